// Runs the foreign server `rtsp-streaming-server` for the tests, on free ports of
// 127.0.0.1, and prints one line when it listens:
//
//     {"publish": 43603, "read": 38211}
//
// A feeder sends its stream to the port `publish` with ANNOUNCE and RECORD, and
// cameras' readers read it from the port `read`. It ends when its standard input
// closes, so that a test that is killed leaves no server behind.
//
// Its one argument is the folder into which `npm ci` has put the package.
'use strict';

const dgram = require('node:dgram');
const path = require('node:path');

const HOST = '127.0.0.1';
/** Each stream and each reader takes one pair. */
const PAIRS = 16;

/** A socket that holds `port`, or nothing where somebody else has it. */
function hold(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => resolve(null));
    socket.bind(port, () => resolve(socket));
  });
}

/** Pairs of free ports, the first of each even, as RTP wants them. */
async function freePairs() {
  const held = [];
  const pairs = [];
  while (pairs.length < PAIRS) {
    const any = await hold(0);
    held.push(any);
    const { port } = any.address();
    const next = port % 2 === 0 ? await hold(port + 1) : null;
    if (next) {
      held.push(next);
      pairs.push(port);
    }
  }
  await Promise.all(held.map((socket) => new Promise((done) => socket.close(done))));
  return pairs;
}

async function main(folder) {
  const { RtspServer } = require(path.resolve(folder, 'node_modules/rtsp-streaming-server'));
  // It hands its ports on to `listen`, which takes an address with them.
  const free = { host: HOST, port: 0 };
  const server = new RtspServer({
    serverPort: free,
    clientPort: free,
    rtpPortStart: 0,
    rtpPortCount: 0,
  });
  server.Mounts.rtpPorts = await freePairs();
  await server.start();
  const port = (part) => part.server.address().port;
  const ready = { publish: port(server.PublishServer), read: port(server.ClientServer) };
  console.log(JSON.stringify(ready));
}

process.stdin.on('close', () => process.exit()).resume();
main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
