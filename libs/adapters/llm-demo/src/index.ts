export { createDemoLlm } from './demo-llm';
