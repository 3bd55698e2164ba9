import { expect, onTestFinished, test } from 'vitest';
import { expectShown, openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { Reader } from '../support/reader.ts';
import { RedisServer, redisPrograms, withoutRedis } from '../support/redis-server.ts';
import { Sandbox } from '../support/sandbox.ts';
import { waitFor } from '../support/server.ts';

const page = openPage('docs/troubleshooting.md', import.meta.filename);
const [program = ''] = redisPrograms;
const because = program === '' ? ` (${withoutRedis})` : '';

test.skipIf(because)(
  `without its store the server responds with 503, and continues when the store is back${because}`,
  async () => {
    const heading = '503 Sessions are not available';
    const redis = await new RedisServer(program).start();
    onTestFinished(() => redis.remove());
    const reader = await Reader.open(new Sandbox(), { STORE_URL: redis.url });
    await reader.type({ code: 'sessapp init myapp --store redis\nsessapp serve myapp' });
    expect((await send(reader.url)).status).toBe(200);
    const [doctor, check] = page.takeAll(heading, 'sh');
    if (!doctor || !check) throw new Error('two blocks are expected');
    expect(await reader.type(check)).toBe('200\n');

    await redis.kill();
    const refused = await send(reader.url);
    expect(refused).toMatchObject({ status: 503 });
    expectShown(refused.body, page.take(heading, 'text'));
    expect(await reader.type(doctor, 1)).toMatch(/store/);
    expect(await reader.type(check)).toBe('503\n');

    await redis.start();
    await waitFor(async () => (await send(reader.url)).status === 200);
    expect(await reader.type(check)).toBe('200\n');
  },
);
