import { type CommandParser, defineScript } from 'redis';

// The beginning of every script. KEYS: the index by expiry, the index by owner, the record. ARGV[1]: the session key.
const common = String.raw`
  local byExpiry, byOwner, record, key = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

  -- Returns version, expiry and owner of a stored value; nothing if it is not a record.
  local function parse(value)
    return string.match(value, '^([^\n]*)\n[^\n]*\n[^\n]*\n([^\n]*)\n([^\n]*)\n')
  end

  -- A value that is not a string is not a record.
  local function read(name)
    local value = redis.pcall('GET', name)
    return type(value) == 'string' and value or ''
  end

  local function unindex(value, key)
    local _, expires, owner = parse(value)
    if not expires then return end
    redis.call('ZREM', byExpiry, expires .. key)
    if owner ~= '' then redis.call('ZREM', byOwner, owner .. key) end
  end

  -- An index expires with its last record.
  local function index(name, entry, lifeMs)
    redis.call('ZADD', name, 0, entry)
    if redis.call('PTTL', name) < tonumber(lifeMs) then redis.call('PEXPIRE', name, lifeMs) end
  end

  -- Most changes do not affect the index entries.
  local function put(value, lifeMs, old)
    local _, expires, owner = parse(value)
    local _, expiresBefore, ownerBefore = parse(old)
    if expires ~= expiresBefore or owner ~= ownerBefore then
      unindex(old, key)
      index(byExpiry, expires .. key, lifeMs)
      if owner ~= '' then index(byOwner, owner .. key, lifeMs) end
    end
    redis.call('SET', record, value, 'PX', lifeMs)
  end
`;

const create = `
  if redis.call('EXISTS', record) == 1 then return 0 end
  put(ARGV[2], ARGV[3], '')
  return 1`;

const update = `
  local old = read(record)
  if parse(old) ~= ARGV[4] then return 0 end
  put(ARGV[2], ARGV[3], old)
  return 1`;

const touch = String.raw`
  local old = read(record)
  if parse(old) ~= ARGV[2] then return 0 end
  local before, after = string.match(old, '^([^\n]*\n[^\n]*\n)[^\n]*\n[^\n]*(\n.*)$')
  put(before .. ARGV[3] .. '\n' .. ARGV[4] .. after, ARGV[5], old)
  return 1`;

const remove = `
  unindex(read(record), key)
  return redis.call('DEL', record)`;

// KEYS[4]: the key under which the record is kept, without expiry. KEYS[5]: the set of all records that were set aside.
const setAside = `
  if redis.call('EXISTS', record) == 0 then return 0 end
  unindex(read(record), key)
  redis.call('RENAME', record, KEYS[4])
  redis.call('PERSIST', KEYS[4])
  redis.call('SADD', KEYS[5], key)
  return 1`;

// ARGV[2]: the entry in the index by owner of a record that Redis itself deleted. Only the entry still contains the owner.
const forget = `
  if redis.call('EXISTS', record) == 1 then return 0 end
  return redis.call('ZREM', byOwner, ARGV[2])`;

// KEYS[3] and all later KEYS: the records. ARGV: their entries in the index by expiry, read earlier. A record that was extended
// since then stays. An entry without a record is removed.
const prune = `
  local count = 0
  for i = 3, #KEYS do
    local entry = ARGV[i - 2]
    if redis.call('ZREM', byExpiry, entry) == 1 then
      count = count + 1
      local value = read(KEYS[i])
      local _, expires = parse(value)
      local name = string.sub(entry, 16)
      if not expires or expires .. name == entry then
        unindex(value, name)
        redis.call('DEL', KEYS[i])
      end
    end
  end
  return count`;

function script(text: string) {
  return defineScript({
    SCRIPT: common + text,
    parseCommand(parser: CommandParser, keys: string[], args: string[]) {
      parser.pushKeysLength(keys);
      parser.push(...args);
    },
    transformReply: (reply: unknown) => Number(reply),
  });
}

/** Each script changes a record and its entries in both indexes atomically. */
export const scripts = {
  createRecord: script(create),
  updateRecord: script(update),
  touchRecord: script(touch),
  removeRecord: script(remove),
  setRecordAside: script(setAside),
  forgetEntry: script(forget),
  pruneRecords: script(prune),
};

export type ScriptName = keyof typeof scripts;
