import { EngineDriver } from './engine-driver';

/** What the agent says, a segment each. */
export const FIRST = 'It is sunny. ';
export const SECOND = 'Tomorrow it will rain. ';

/** The user has asked; neither a word nor a voice is there yet. */
export const asking = (): EngineDriver => EngineDriver.attached().says('How is the weather?');
