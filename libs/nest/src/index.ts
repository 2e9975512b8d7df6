export { HealthModule } from './health';
export { RealtimeModule } from './realtime';
export { runApp, type AppDefinition } from './run-app';
export { serveWebClient } from './web-client';
