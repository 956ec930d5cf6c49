async function ask(path, options) {
  const answer = await fetch(`/api${path}`, options);
  if (!answer.ok) {
    throw new Error(answer.status === 404 ? "There is no such entry." : `The server said ${answer.status}.`);
  }
  return answer.json();
}

export const listEntries = () => ask("/entries/");

export const readEntry = (id) => ask(`/entries/${id}/`);

export const addEntry = (entry) =>
  ask("/entries/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(entry),
  });
