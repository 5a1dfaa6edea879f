// uWebSockets with its topics, on epoll, without TLS.
#include <cstdlib>
#include <string>

#include "App.h"

struct Member {
  std::string room;
};

int main() {
  uWS::App app;
  uWS::App::WebSocketBehavior<Member> behavior;
  behavior.compression = uWS::DISABLED;
  behavior.maxPayloadLength = 64 * 1024;
  behavior.idleTimeout = 0;
  behavior.maxBackpressure = 16 * 1024 * 1024;
  behavior.sendPingsAutomatically = false;
  behavior.upgrade = [](auto *response, auto *request, auto *context) {
    response->template upgrade<Member>({std::string(request->getUrl())},
                                       request->getHeader("sec-websocket-key"),
                                       request->getHeader("sec-websocket-protocol"),
                                       request->getHeader("sec-websocket-extensions"), context);
  };
  behavior.open = [](auto *socket) { socket->subscribe(socket->getUserData()->room); };
  behavior.message = [&app](auto *socket, std::string_view text, uWS::OpCode opcode) {
    app.publish(socket->getUserData()->room, text, opcode);
  };
  app.ws<Member>("/*", std::move(behavior));
  app.listen("127.0.0.1", std::atoi(std::getenv("PORT")), [](auto *listener) {
    if (!listener) std::exit(1);
  });
  app.run();
}
