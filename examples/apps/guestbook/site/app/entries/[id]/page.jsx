import { notFound } from "next/navigation";

import { ask } from "../../application.js";
import Entry from "../../Entry.jsx";

export default async function Page({ params }) {
  const { id } = await params;
  const { status, body: entry } = await ask(`/api/entries/${encodeURIComponent(id)}/`);
  if (status === 404) notFound();
  return <Entry entry={entry} />;
}
