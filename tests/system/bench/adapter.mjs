// Parley in the side-by-side harness: how its client speaks, as PROTOCOL.md says. Copied into the scratch harness.
export const path = '/v1/realtime?audio=binary';
export const protocols = ['parley.v1'];
export const headers = { authorization: 'Bearer dev' };

/** A turn may begin when the last response has its closing events; the harness only waits for its last frame. */
export const sendTranscript = (ws, text, session) => {
  const turn = { type: 'parley.transcript.final', text };
  if (session.parleyBusy) session.parleyNext = turn;
  else start(ws, session, turn);
};

export const sendInterrupt = (ws, session) => {
  ws.send('{"type":"parley.interrupt"}');
  // Inputs are applied in order, so the next transcript may follow at once.
  session.parleyBusy = false;
};

export const parse = (data, isBinary, session) => {
  if (isBinary) return audioOf(data, session);
  const text = data.toString('latin1', 0, 60);
  if (text.startsWith('{"type":"response.done"')) finished(session);
  if (text.startsWith('{"type":"parley.response.interrupted"')) return { ack: true };
  if (text.startsWith('{"type":"error"')) session.parleyErrors = (session.parleyErrors ?? 0) + 1;
  return {};
};

function audioOf(data, session) {
  const header = 12 + data.readUInt16LE(8);
  const response = data.toString('latin1', 12, header);
  // Chunks end anywhere; the harness keeps the piece of a frame that is left. What is left of an interrupted response
  // is no beginning of the next one.
  if (response !== session.parleyResponse) session.rest = null;
  session.parleyResponse = response;
  return { audio: data.subarray(header) };
}

function start(ws, session, turn) {
  session.parleyBusy = true;
  session.parleyOpen = (session.parleyOpen ?? 0) + 1;
  ws.send(JSON.stringify(turn));
}

function finished(session) {
  session.parleyOpen--;
  if (session.parleyOpen > 0) return;
  session.parleyBusy = false;
  const turn = session.parleyNext;
  session.parleyNext = undefined;
  if (turn) start(session.ws, session, turn);
}
