// Starts `netc lsp`, which must be on the PATH.
const { LanguageClient } = require("vscode-languageclient/node");
let client;
exports.activate = () => {
  client = new LanguageClient("netc", "netc", { command: "netc", args: ["lsp"] },
    { documentSelector: [{ scheme: "file", language: "netc" }] });
  return client.start();
};
exports.deactivate = () => client && client.stop();
