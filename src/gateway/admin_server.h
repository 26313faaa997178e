// The administrator's side: a unix socket, open to root and to the group `upnpd`, on which a client
// sends one line of JSON and gets one line of JSON. Bounded in clients, bytes and time.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "fd.h"
#include "json.h"
#include "loop.h"

namespace upnpd::gateway {

// The answer to a request that cannot be carried out: `message` says why, in a line.
base::Json error_reply(const std::string& message);

class AdminServer {
 public:
  // Answers a request; what it returns is sent as it is.
  using Handler = std::function<base::Json(const base::Json& request)>;

  // Makes the socket at `path`; one that is left over is replaced, one that is served is an error.
  // `group` may be "".
  static std::expected<base::Fd, std::string> listen(const std::filesystem::path& path,
                                                     const std::string& group);

  AdminServer(base::Loop& loop, base::Fd listener, Handler handler);
  ~AdminServer();

 private:
  class Client;
  void accept();
  void drop(Client& client);

  base::Loop& loop_;
  base::Fd listener_;
  Handler handler_;
  std::list<std::unique_ptr<Client>> clients_;
  base::FdWatcher watcher_;
};

}  // namespace upnpd::gateway
