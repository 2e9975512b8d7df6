export * from './config';
export { type ConfigProblem } from './derived';
export { describeProblems, readConfig, type ConfigOutcome } from './read-config';
export { ROLES, VARIABLE_TABLE, type Role, type VariableRow } from './roles';
export { tlsCredentials, type CredentialsOutcome, type TlsCredentials } from './tls/credentials';
