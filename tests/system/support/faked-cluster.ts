import { startFakeProviders, type FakeProviders } from '@parley/fakes';
import { startCluster, type ClusterProcess } from './cluster-process';

/** Long and odd enough to be found wherever it should not be. */
export const PROVIDER_KEY = 'sk-quokka-4711-never-print-this';
export const INSTRUCTIONS = 'Answer in a few sentences.';

export interface FakedCluster extends Fakes {
  cluster: ClusterProcess;
  stop(): Promise<void>;
}

/** A language model and a voice that say what a test wants. */
export interface Fakes {
  llm: FakeProviders;
  voice: FakeProviders;
}

export async function startFakes(): Promise<Fakes> {
  const llm = await startFakeProviders({ apiKeys: [PROVIDER_KEY] });
  const voice = await startFakeProviders({ apiKeys: [PROVIDER_KEY] });
  llm.setDefaultChat({ kind: 'answer', text: 'The garden is quiet tonight. Nobody has come to water the roses yet.' });
  // 5 ms a character: a sentence is heard in a fifth of a second.
  voice.setDefaultSpeech({ kind: 'voice', samplesPerCharacter: 120, content: 'indexed' });
  return { llm, voice };
}

/** What a server has to be told so that it uses them. */
export const environmentOf = ({ llm, voice }: Fakes): Record<string, string> => ({
  OPENAI_BASE_URL: llm.url,
  PARLEY_TTS_BASE_URL: voice.url,
  OPENAI_API_KEY: PROVIDER_KEY,
  PARLEY_INSTRUCTIONS: INSTRUCTIONS,
});

/**
 * A cluster of its own, bus and store included (on one bus two clusters would be one), whose language model and voice
 * are fakes. 1/1/1/1 unless `replicas` says otherwise.
 */
export async function startFakedCluster(
  replicas: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<FakedCluster> {
  const fakes = await startFakes();
  try {
    const cluster = await startCluster(replicas, {
      NATS_URL: '',
      REDIS_URL: '',
      ...environmentOf(fakes),
      PARLEY_LOG_LEVEL: 'debug',
      ...env,
    });
    const faked: FakedCluster = {
      cluster,
      ...fakes,
      stop: async () => {
        await cluster.stop();
        // Those of now: a test may have put others in their place.
        await Promise.all([faked.llm.close(), faked.voice.close()]);
      },
    };
    return faked;
  } catch (error) {
    await Promise.all([fakes.llm.close(), fakes.voice.close()]);
    throw error;
  }
}
