// socket.io with its rooms, over WebSocket only.
import http from "node:http";
import { Server } from "socket.io";

const listener = http.createServer();
const server = new Server(listener, { transports: ["websocket"], serveClient: false });

server.on("connection", (socket) => {
  let room;
  socket.on("join", (name) => {
    room = name;
    socket.join(name);
    socket.emit("joined");
  });
  socket.on("m", (text) => server.to(room).emit("m", text));
});
listener.listen(Number(process.env.PORT), "127.0.0.1", 4096);
