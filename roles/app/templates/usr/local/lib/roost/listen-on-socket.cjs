// Managed by Roost: changes made here are overwritten.
// Loaded before the server of a front end: where that asks for a port, it gets the socket that systemd handed over, as
// file 3. A server that doesn't know how to end is ended when its last request is answered.
"use strict";
const net = require("node:net");

const SOCKET = 3;
const listen = net.Server.prototype.listen;

if (process.env.LISTEN_PID === String(process.pid)) {
  net.Server.prototype.listen = function listenOnSocket(...given) {
    net.Server.prototype.listen = listen;
    process.on("SIGTERM", () => {
      if (process.listenerCount("SIGTERM") === 1) this.close(() => process.exit(0));
    });
    const callback = given.find((argument) => typeof argument === "function");
    return listen.call(this, { fd: SOCKET }, callback);
  };
}
