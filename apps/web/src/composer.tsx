import { useEffect, useRef, useState } from 'react';

interface ComposerProps {
  enabled: boolean;
  interruptible: boolean;
  /** False: the text could not be sent and stays in the box. */
  onSend(text: string): boolean;
  onInterrupt(): void;
}

export function Composer({ enabled, interruptible, onSend, onInterrupt }: ComposerProps) {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (enabled) input.current?.focus();
  }, [enabled]);

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '' && onSend(text.trim())) setText('');
      }}
    >
      <input
        ref={input}
        data-testid="input"
        aria-label="Message"
        placeholder="Say something"
        autoComplete="off"
        enterKeyHint="send"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button
        type="button"
        data-testid="interrupt"
        aria-keyshortcuts="Escape"
        title="Interrupt (Esc)"
        disabled={!interruptible}
        onClick={() => {
          onInterrupt();
          // The button is about to be disabled, which would lose the keyboard's place.
          input.current?.focus();
        }}
      >
        Interrupt
      </button>
      <button type="submit" data-testid="send" className="primary" disabled={!enabled || text.trim() === ''}>
        Send
      </button>
    </form>
  );
}
