import { useLayoutEffect, useRef } from 'react';
import { splitHeard } from './conversation';
import type { Answer, Conversation, Entry, Turn } from './conversation';

/** Nearer to the end than this, the reader follows the conversation; further up, they are reading back. */
const FOLLOW_PX = 120;

const DIVIDERS: Record<Exclude<Entry, Turn>['kind'], string> = {
  'new-session': 'New session: what stands above is not remembered',
  'earlier-session': 'The conversation goes on: what was said before is remembered',
};

export function Transcript({ conversation }: { conversation: Conversation }) {
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const turns = useRef(0);

  useLayoutEffect(() => {
    const element = log.current;
    if (element === null) return;
    if (follows.current || conversation.length > turns.current) element.scrollTop = element.scrollHeight;
    turns.current = conversation.length;
  }, [conversation]);

  const answering = conversation.some((entry) => entry.kind === 'turn' && entry.answer?.outcome.kind === 'running');
  return (
    <div
      ref={log}
      className="transcript"
      role="log"
      aria-live="polite"
      // Read out when the answer is complete, not word by word over the agent's own voice.
      aria-busy={answering}
      aria-label="Messages"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < FOLLOW_PX;
      }}
    >
      {conversation.length === 0 && <p className="empty">Type a message; the answer is spoken. Esc interrupts it.</p>}
      {conversation.map((entry) =>
        entry.kind === 'turn' ? (
          <TurnView key={entry.turnId} turn={entry} />
        ) : (
          <p key={entry.id} className="divider">
            {DIVIDERS[entry.kind]}
          </p>
        ),
      )}
    </div>
  );
}

function TurnView({ turn }: { turn: Turn }) {
  return (
    <article className="turn" data-testid="turn">
      {turn.text !== undefined && (
        <p className="user">
          <span className="visually-hidden">You: </span>
          {turn.text}
        </p>
      )}
      {turn.answer !== undefined && <AnswerView answer={turn.answer} />}
      {turn.refusal !== undefined && <p className="refusal">Not answered: {turn.refusal}</p>}
    </article>
  );
}

function AnswerView({ answer }: { answer: Answer }) {
  const { outcome, firstAudioMs } = answer;
  return (
    <div className="answer" data-testid="answer" data-outcome={outcome.kind}>
      <p>
        <span className="visually-hidden">Agent: </span>
        <AnswerText answer={answer} />
      </p>
      <p className="meta">
        {outcome.kind === 'interrupted' && <span className="tag">Interrupted</span>}
        {outcome.kind === 'stopped' && <span className="tag">{outcome.reason}</span>}
        {firstAudioMs !== undefined && (
          <span>
            First audio <span data-testid="first-audio">{Math.round(firstAudioMs)} ms</span>
          </span>
        )}
      </p>
    </div>
  );
}

function AnswerText({ answer: { text, outcome } }: { answer: Answer }) {
  if (outcome.kind === 'interrupted') {
    const { heard, unheard } = splitHeard(text, outcome.heardText);
    return (
      <>
        <span data-testid="heard">{heard}</span>
        {unheard !== '' && <s data-testid="unheard">{unheard}</s>}
      </>
    );
  }
  if (text === '' && outcome.kind === 'running') {
    return (
      <span className="waiting" aria-label="Thinking">
        <i />
        <i />
        <i />
      </span>
    );
  }
  return text;
}
