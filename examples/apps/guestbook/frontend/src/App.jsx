import { useEffect, useState } from "react";

import { addEntry, listEntries, readEntry } from "./api.js";
import { Link, usePath } from "./path.jsx";

const formatter = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });

function Entry({ entry }) {
  return (
    <article>
      <p>{entry.text}</p>
      <footer>
        {entry.name}, <Link to={`/entries/${entry.id}`}>{formatter.format(new Date(entry.written))}</Link>
      </footer>
    </article>
  );
}

function Form({ onAdded }) {
  const [problem, setProblem] = useState("");
  const send = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    try {
      onAdded(await addEntry(Object.fromEntries(new FormData(form))));
      form.reset();
      setProblem("");
    } catch (error) {
      setProblem(error.message);
    }
  };
  return (
    <form onSubmit={send}>
      <input name="name" placeholder="Your name" aria-label="Your name" maxLength="60" required />
      <textarea name="text" placeholder="What would you like to say?" aria-label="Text" maxLength="500" required />
      <button>Sign</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}

function Book() {
  const [entries, setEntries] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    listEntries().then(setEntries, (error) => setProblem(error.message));
  }, []);
  return (
    <>
      <Form onAdded={(entry) => setEntries([entry, ...(entries ?? [])])} />
      {problem && <p role="alert">{problem}</p>}
      {entries?.length === 0 && <p className="quiet">Nobody has signed yet. Be the first.</p>}
      {entries?.map((entry) => <Entry key={entry.id} entry={entry} />)}
    </>
  );
}

function Page({ id }) {
  const [entry, setEntry] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    readEntry(id).then(setEntry, (error) => setProblem(error.message));
  }, [id]);
  return (
    <>
      {problem && <p role="alert">{problem}</p>}
      {entry && <Entry entry={entry} />}
      <p><Link to="/">All entries</Link></p>
    </>
  );
}

export default function App() {
  const id = usePath().match(/^\/entries\/(\d+)\/?$/)?.[1];
  return (
    <main>
      <h1><Link to="/">Guestbook</Link></h1>
      {id ? <Page id={id} /> : <Book />}
    </main>
  );
}
