import http from "node:http";

// Beside it on the server: a Unix socket. On a developer's machine: Flask's own port.
const application = process.env.APPLICATION_SOCKET
  ? { socketPath: process.env.APPLICATION_SOCKET }
  : { host: "127.0.0.1", port: 5000 };

/** Ask the Python application, from the server, and return the status and the body of its answer. */
export function ask(path) {
  return new Promise((resolve, reject) => {
    // A connection for each request: the application might close a kept one just when it is used again.
    const request = http.get({ ...application, path, agent: false, timeout: 10_000 }, async (answer) => {
      try {
        const parts = await Array.fromAsync(answer);
        if (answer.statusCode >= 500) throw new Error(`the application answered ${answer.statusCode}`);
        const isJson = answer.headers["content-type"] === "application/json";
        resolve({ status: answer.statusCode, body: isJson ? JSON.parse(Buffer.concat(parts)) : null });
      } catch (error) {
        reject(error);
      }
    });
    request.on("timeout", () => request.destroy(new Error("the application does not answer")));
    request.on("error", reject);
  });
}
