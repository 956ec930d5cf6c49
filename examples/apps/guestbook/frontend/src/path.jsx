import { useSyncExternalStore } from "react";

function subscribe(listener) {
  window.addEventListener("popstate", listener);
  return () => window.removeEventListener("popstate", listener);
}

export const usePath = () => useSyncExternalStore(subscribe, () => window.location.pathname);

/** A link that changes the page without asking the server for another one. */
export function Link({ to, ...rest }) {
  const go = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    window.history.pushState(null, "", to);
    window.dispatchEvent(new PopStateEvent("popstate"));
  };
  return <a href={to} onClick={go} {...rest} />;
}
