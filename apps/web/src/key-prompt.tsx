import { useState } from 'react';

interface KeyPromptProps {
  /** Why a key is needed; empty at first. */
  message: string;
  onKey(key: string): void;
}

export function KeyPrompt({ message, onKey }: KeyPromptProps) {
  const [key, setKey] = useState('');
  return (
    <form
      className="key-prompt"
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() !== '') onKey(key.trim());
      }}
    >
      {message !== '' && <p role="alert">{message}</p>}
      <label htmlFor="key">API key of this gateway</label>
      <div className="row">
        <input
          id="key"
          data-testid="key"
          type="password"
          autoComplete="off"
          autoFocus
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
        <button type="submit" className="primary">
          Connect
        </button>
      </div>
      <p className="hint">It is kept in this tab only and forgotten when the tab closes.</p>
    </form>
  );
}
