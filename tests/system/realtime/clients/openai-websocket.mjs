// `openai`, the class for browsers. Node 20 has no WebSocket of its own.

import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket';
import { WebSocket } from 'ws';
import { playWithOpenai } from './openai.mjs';

Object.assign(globalThis, { WebSocket });
await playWithOpenai('openai-websocket', OpenAIRealtimeWebSocket);
