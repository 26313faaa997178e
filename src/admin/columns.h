// Text in columns, each as wide as its widest cell.
#pragma once

#include <string>
#include <vector>

namespace upnpd::admin {

using Row = std::vector<std::string>;

// Rows of cells as lines; width counts code points. The last column is not padded.
std::string in_columns(const std::vector<Row>& rows);

// `text` for a terminal: nothing in it can move the cursor or end the line.
std::string for_terminal(const std::string& text);

// Seconds as people say them: "59s", "12m05s", "3h20m", "6d04h".
std::string as_time(long long seconds);

}  // namespace upnpd::admin
