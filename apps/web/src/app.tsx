import { useEffect, useSyncExternalStore } from 'react';
import { Composer } from './composer';
import { ConnectionBar } from './connection-bar';
import { Face } from './face';
import { KeyPrompt } from './key-prompt';
import { canInterrupt } from './talk';
import type { Talk } from './talk';
import { Transcript } from './transcript';

interface AppProps {
  talk: Talk;
  /** Call inside a gesture of the user: browsers start sound only then. */
  resumeAudio(): void;
}

export function App({ talk, resumeAudio }: AppProps) {
  const view = useSyncExternalStore(talk.subscribe, talk.current);
  const { connection } = view;

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') talk.interrupt();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [talk]);

  return (
    <div className="app">
      <header className="bar">
        <h1>Parley</h1>
        <ConnectionBar connection={connection} latencyMs={view.latencyMs} />
      </header>
      <main className="stage">
        <section className="portrait" aria-label="Agent">
          <Face floor={view.floor} mouth={() => talk.mouth()} />
          <p className="floor" data-testid="state" data-state={view.floor ?? 'offline'} role="status">
            {view.floor ?? 'offline'}
          </p>
        </section>
        <section className="talk" aria-label="Conversation">
          <Transcript conversation={view.conversation} />
          {view.notice !== undefined && (
            <p className="notice" role="alert">
              {view.notice}
            </p>
          )}
          {connection.phase === 'reconnecting' && (
            <p className="notice" role="status" data-testid="reconnecting">
              {connection.message} Reconnecting…
            </p>
          )}
          {connection.phase === 'closed' && (
            <div className="notice lost" role="alert" data-testid="lost">
              <p>{connection.message} The conversation above has ended.</p>
              <button type="button" data-testid="reconnect" onClick={() => talk.reconnect()}>
                Reconnect
              </button>
            </div>
          )}
          {connection.phase === 'key-needed' ? (
            <KeyPrompt
              message={connection.message}
              onKey={(key) => {
                resumeAudio();
                talk.connect(key);
              }}
            />
          ) : (
            <Composer
              enabled={connection.phase === 'open' || connection.phase === 'reconnecting'}
              interruptible={canInterrupt(view)}
              onSend={(text) => {
                resumeAudio();
                return talk.send(text);
              }}
              onInterrupt={() => talk.interrupt()}
            />
          )}
        </section>
      </main>
    </div>
  );
}
