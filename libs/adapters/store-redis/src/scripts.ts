import { createHash } from 'node:crypto';

/** A transaction on the one key of a session. Redis knows it by its hash; the text is sent only where it is missing. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });

/*
 * A session is one hash: all of it expires at once, and every script touches one slot.
 *
 *   epoch, owner (absent after a release), attachment   as of the last claim or write-back
 *   rev, writtenEpoch, state                            as of the last write: a claim raises `epoch` and leaves these
 *   removed                                             a tombstone: only epoch and attachment beside it
 *
 * Each script's first change is the one that may need memory: refused (OOM, READONLY), it leaves nothing half done.
 */

/** ARGV: expected epoch, seen epoch, owner, 1 for a new attachment else 0, ttl in ms. */
export const CLAIM = script(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'attachment', 'rev', 'state', 'removed')
local epoch = tonumber(stored[1] or 0)
if stored[5] then return {'removed', epoch} end
if epoch ~= tonumber(ARGV[1]) then return {'conflict', epoch} end
epoch = math.max(epoch, tonumber(ARGV[2])) + 1
local attachment = tonumber(stored[2] or 0) + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'epoch', epoch, 'owner', ARGV[3], 'attachment', attachment)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'claimed', epoch, attachment, tonumber(stored[3] or 0), stored[4]}
`);

/** ARGV: epoch, rev, owner, attachment, ttl in ms, state. */
export const WRITE = script(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'attachment', 'rev', 'writtenEpoch', 'removed')
local epoch, own = tonumber(stored[1] or 0), tonumber(ARGV[1])
if stored[1] and epoch >= own then
  if epoch > own or stored[6] then return {'fenced', epoch} end
  if stored[2] and stored[2] ~= ARGV[3] then return {'fenced', epoch} end
  if stored[5] and tonumber(stored[5]) == own then
    local rev = tonumber(stored[4])
    if rev == tonumber(ARGV[2]) then return {'already'} end
    if rev > tonumber(ARGV[2]) then return {'fenced', epoch} end
  end
else
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'owner', ARGV[3])
  redis.call('HDEL', KEYS[1], 'removed')
end
local attachment = math.max(tonumber(stored[3] or 0), tonumber(ARGV[4]))
redis.call('HSET', KEYS[1], 'attachment', attachment, 'rev', ARGV[2], 'writtenEpoch', ARGV[1], 'state', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'written'}
`);

/** ARGV: epoch. */
export const RELEASE = script(`
local epoch, own = tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0), tonumber(ARGV[1])
if epoch > own then return {'fenced', epoch} end
if epoch == own then redis.call('HDEL', KEYS[1], 'owner') end
return {'released'}
`);

/** ARGV: epoch, tombstone's life in ms. Starts with DEL, which is allowed without memory and makes room for the rest. */
export const REMOVE = script(`
local stored = redis.call('HMGET', KEYS[1], 'epoch', 'attachment')
local epoch = tonumber(stored[1] or 0)
if epoch > tonumber(ARGV[1]) then return {'fenced', epoch} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'attachment', stored[2] or 0, 'removed', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'removed'}
`);
