const count = document.getElementById("count");
const socketState = document.getElementById("socket");
const form = document.getElementById("add");

// The browser connects again by itself when the stream ends.
let known = null;
new EventSource("/events/").addEventListener("summary", (event) => {
  const { readings } = JSON.parse(event.data);
  if (known !== null && known !== readings) location.reload();
  known = readings;
  count.value = readings;
});

// A WebSocket doesn't: a deploy closes it with the code 1012, "service restart".
function connect(delay = 500) {
  const socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws/`);
  socket.onopen = () => {
    socketState.value = "open";
    delay = 500;
  };
  socket.onclose = () => {
    socketState.value = "connecting";
    setTimeout(connect, delay, Math.min(delay * 2, 30000));
  };
}
connect();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { sensor, value } = Object.fromEntries(new FormData(form));
  const answer = await fetch("/api/readings/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sensor, value: Number(value) }),
  });
  if (answer.ok) location.reload();
});
