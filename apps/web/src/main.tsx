import { createRoot } from 'react-dom/client';
import { App } from './app';
import { browserSystem } from './browser-system';
import { openPageAudio } from './page-audio';
import { tabStore } from './tab-store';
import { Talk } from './talk';
import { WebAudioOutput } from './web-audio-output';
import './styles.css';

/** Known to everyone, so it opens only a gateway on this machine. */
const LOOPBACK_KEY = 'dev';
const LOOPBACK_HOSTS = /^(localhost|\[::1\]|127(\.\d+){3})$/;

const { context, destinationNode } = openPageAudio();
const { protocol, host, hostname } = window.location;
const talk = new Talk({
  url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}`,
  defaultKey: LOOPBACK_HOSTS.test(hostname) ? LOOPBACK_KEY : undefined,
  keyStore: tabStore('parley.key'),
  resumeStore: tabStore('parley.resume'),
  WebSocket,
  system: browserSystem,
  makeOutput: () => new WebAudioOutput(context, destinationNode),
});
talk.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <App
    talk={talk}
    resumeAudio={() => {
      // Outside a gesture the browser refuses; the next gesture tries again.
      context.resume().catch(() => {});
    }}
  />,
);
