"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";

export default function Form() {
  const router = useRouter();
  const [problem, setProblem] = useState("");
  const send = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const answer = await fetch("/api/entries/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    if (answer.ok) {
      form.reset();
      router.refresh();
    }
    setProblem(answer.ok ? "" : `The server said ${answer.status}.`);
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
