// `openai`, the class for Node.

import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { playWithOpenai } from './openai.mjs';

await playWithOpenai('openai-ws', OpenAIRealtimeWS);
