export const HELP = `Speaks with a Parley gateway, and looks into the journal of its conversations.

  parley say "<text>" [options]

Sends the text as one turn, prints what comes back with its time since sending, and pretends to play the answer
in real time, so that the gateway sees an ordinary listener. A connection that is lost in mid-answer is resumed: at
once, and up to five times more within a minute; the answer goes on where it was.

  --out <file.wav>        write exactly the samples that were played: 24 kHz, mono, 16 bit
  --interrupt-after <ms>  interrupt so long after the answer's first audio sounds
  --url <url>             gateway (default: $PARLEY_URL, else ws://127.0.0.1:8080)
  --key <key>             API key (default: $PARLEY_KEY, else "dev" for a gateway on this machine);
                          prefer the variable: other users of this machine can see a command line
  --timeout <seconds>     give up after so long in all (default: 60)
  --json                  one JSON object per event and line, with at_ms, the time since sending

  parley sessions [--limit <n>]   the newest sessions of the journal (default: 20)
  parley replay <session>         what happened, step by step; the turn engine takes each step again, and what it
                                  orders is compared with what was ordered then. Prints what was said
  parley forget <session>         erase one session from the journal. First let it end: what it still does is kept

The journal is there where the orchestrators run with PARLEY_JOURNAL=yes. It is read from $NATS_URL, as theirs.

  --help, --version

Exit code: 0 the answer was completed, or interrupted as asked; the replay fits; listed, erased
           1 the turn failed, or its connection was lost and could not be resumed, or --out was asked for and no
             audio came; the replay differs, or steps are missing
           2 the command line is wrong
           3 cannot connect
           4 the gateway refused the key
           5 timeout
           6 the journal does not have it
`;
