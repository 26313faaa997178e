// Calls a method of a script of /usr/share/rpcd/ucode as rpcd's ucode plugin does: call.uc SCRIPT OBJECT METHOD ARGUMENTS
let answer = null;
const request = { args: json(ARGV[3]), reply: value => { answer = value; } };
const result = loadfile(ARGV[0], { raw_mode: true, module_search_path: REQUIRE_SEARCH_PATH })()[ARGV[1]][ARGV[2]].call(request);
printf('%J', answer ?? result);
