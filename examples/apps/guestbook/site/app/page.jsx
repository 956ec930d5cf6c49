import { ask } from "./application.js";
import Entry from "./Entry.jsx";
import Form from "./Form.jsx";

// Each visitor sees what is written now, not what was when this was built.
export const dynamic = "force-dynamic";

export default async function Page() {
  const { body: entries } = await ask("/api/entries/");
  return (
    <>
      <Form />
      {entries.length === 0 && <p className="quiet">Nobody has signed yet. Be the first.</p>}
      {entries.map((entry) => <Entry key={entry.id} entry={entry} />)}
    </>
  );
}
