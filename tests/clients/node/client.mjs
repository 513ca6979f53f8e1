// A puppet: does what it reads, a JSON object a line, and says what it hears in the same way.
// It is nothing but npm's socket.io-client; the tests pull the strings.

import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const sockets = new Map();

function connect({ url, namespace, transports, auth, query, headers }) {
  const socket = io(url + namespace, {
    transports,
    auth,
    query,
    extraHeaders: headers,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    forceNew: sockets.size === 0,
  });
  sockets.set(namespace, socket);
  const { io: manager } = socket;
  manager.on("open", () => {
    manager.engine.once("upgrade", (transport) => {
      say({ on: "upgrade", namespace, transport: transport.name });
    });
  });
  socket.on("connect", () => say({ on: "connect", namespace, transport: manager.engine.transport.name }));
  socket.on("connect_error", (error) => say({ on: "connect_error", namespace, data: error.message }));
  socket.on("disconnect", (reason) => say({ on: "disconnect", namespace, data: reason }));
  socket.onAny((name, data) => say({ on: name, namespace, data }));
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    const socket = sockets.get(order.namespace);
    if (order.do === "connect") connect(order);
    else if (order.do === "emit") {
      const data = order.binary ? Buffer.from(order.binary) : order.data;
      socket.emit(order.event, data, (answer) => say({ on: "ack", id: order.id, data: answer }));
    } else if (order.do === "disconnect") socket.disconnect();
  })
  .on("close", () => process.exit(0));
say({ on: "ready" });
