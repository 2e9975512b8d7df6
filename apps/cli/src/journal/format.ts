/** `2026-11-21 15:04:50.123`, in UTC: what is compared with logs and metrics. */
export const moment = (wallMs: number): string => new Date(wallMs).toISOString().replace('T', ' ').replace('Z', '');

export const plural = (count: number, what: string, more = `${what}s`): string =>
  `${count} ${count === 1 ? what : more}`;
