const formatter = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

export default function Entry({ entry }) {
  return (
    <article>
      <p>{entry.text}</p>
      <footer>
        {entry.name}, <a href={`/entries/${entry.id}`}>{formatter.format(new Date(entry.written))}</a>
      </footer>
    </article>
  );
}
