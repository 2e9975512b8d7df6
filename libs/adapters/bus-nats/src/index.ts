export { JOURNAL_STREAM, JournalStream, type JournalRetention } from './journal-stream';
export { connectNatsBus, type NatsBus, type NatsBusOptions } from './nats-bus';
export { NatsJournal } from './nats-journal';
