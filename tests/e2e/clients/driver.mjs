// Runs a plan with a TypeScript SDK client and prints what the client observed; driver.py says what a plan is.

const ELICITED = { username: 'ada', email: 'ada@example.com', name: 'Ada', ok: true, color: 'blue', context: 'e2e' };
export const SAMPLED = 'sampled by the e2e client';
export const ROOT = { uri: 'file:///e2e/root', name: 'e2e root' };
const FORMATS = { email: 'ada@example.com', uri: 'https://example.com', date: '2026-01-02' };

export function elicited(params) {
  if (params.mode === 'url') return { action: 'accept' };
  const content = {};
  for (const [name, schema] of Object.entries(params.requestedSchema.properties ?? {})) {
    if (name in ELICITED) content[name] = ELICITED[name];
    else if ('default' in schema) content[name] = schema.default;
    else if (schema.enum) content[name] = schema.enum[0];
    else if (schema.oneOf) content[name] = schema.oneOf[0].const;
    else if (schema.type === 'integer' || schema.type === 'number') content[name] = schema.minimum ?? 1;
    else if (schema.type === 'boolean') content[name] = true;
    else if (schema.type === 'string') content[name] = FORMATS[schema.format] ?? 'Ada';
    else if (schema.type === 'array') {
      const first = schema.items.enum ? schema.items.enum[0] : schema.items.anyOf[0].const;
      content[name] = Array(Math.max(1, schema.minItems ?? 1)).fill(first);
    }
  }
  for (const name of params.requestedSchema.required ?? []) {
    if (!(name in content)) throw new Error(`no answer for ${name}`);
  }
  return { action: 'accept', content };
}

export const sampled = () => ({
  role: 'assistant',
  content: { type: 'text', text: SAMPLED },
  model: 'e2e',
  stopReason: 'endTurn',
});

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

function failure(error) {
  return { code: error?.code, message: error?.message ?? String(error), data: error?.data };
}

async function pages(fetch, key) {
  const found = [];
  let cursor;
  for (let page = 0; page < 100; page++) {
    const result = await fetch(cursor);
    found.push(...result[key]);
    cursor = result.nextCursor;
    if (!cursor) return found;
  }
  throw new Error(`the pages of ${key} do not end`);
}

async function step(client, timeline, number, what) {
  switch (what.do) {
    case 'list': {
      const fetch = {
        tools: (cursor) => client.listTools({ cursor }),
        resources: (cursor) => client.listResources({ cursor }),
        resourceTemplates: (cursor) => client.listResourceTemplates({ cursor }),
        prompts: (cursor) => client.listPrompts({ cursor }),
      };
      const listed = {};
      for (const key of what.of ?? Object.keys(fetch)) listed[key] = await pages(fetch[key], key);
      return listed;
    }
    case 'call': {
      const controller = new AbortController();
      const onprogress = ({ progress, total, message }) => {
        timeline.push({ kind: 'progress', step: number, progress, total, message });
        if (what.cancelAtProgress) controller.abort('e2e');
      };
      const params = { name: what.name, arguments: what.arguments ?? {} };
      if (!what.cancelAtProgress) return client.call(params, { onprogress, timeout: 20000 });
      try {
        return await client.call(params, { onprogress, timeout: 20000, signal: controller.signal });
      } catch (error) {
        if (!controller.signal.aborted) throw error;
        return { cancelled: true };
      }
    }
    case 'read':
      return client.readResource({ uri: what.uri });
    case 'prompt':
      return client.getPrompt({ name: what.name, arguments: what.arguments ?? {} });
    case 'complete': {
      const context = what.context ? { context: { arguments: what.context } } : {};
      return client.complete({ ref: what.ref, argument: what.argument, ...context });
    }
    case 'subscribe':
      return client.subscribeResource({ uri: what.uri });
    case 'unsubscribe':
      return client.unsubscribeResource({ uri: what.uri });
    case 'level':
      return client.setLoggingLevel(what.level);
    case 'ping':
      return client.ping();
    case 'listen': {
      const subscription = await client.listen(what.filter);
      return { honored: subscription.honoredFilter };
    }
    case 'task':
      return client.task(what.name, what.arguments ?? {}, what.cancel ?? false);
    case 'tasks':
      return (await pages((cursor) => client.tasks(cursor), 'tasks')).map((task) => task.taskId);
    case 'wait': {
      const until = Date.now() + (what.timeout ?? 15) * 1000;
      for (;;) {
        const found = timeline.filter((entry) => entry.method === what.for);
        if (found.length >= (what.count ?? 1)) return { found };
        if (Date.now() > until) throw new Error(`no ${what.for} within ${what.timeout ?? 15} s`);
        await pause(0.02);
      }
    }
    case 'sleep':
      await pause(what.seconds);
      return {};
    case 'parallel':
      return Promise.all(what.steps.map((inner, index) => guarded(client, timeline, `${number}.${index}`, inner)));
    default:
      throw new Error(`unknown step ${what.do}`);
  }
}

async function guarded(client, timeline, number, what) {
  let outcome;
  try {
    outcome = { result: await step(client, timeline, number, what) };
  } catch (error) {
    outcome = { error: failure(error) };
  }
  timeline.push({ kind: 'done', step: number });
  return outcome;
}

// `connect(url, plan, timeline)` gives a connected client and what it knows of its server.
export async function main(connect) {
  const url = new URL(process.argv[2]);
  const plan = JSON.parse(process.argv[3]);
  const timeline = [];
  const report = { timeline };
  setTimeout(() => {
    console.log(JSON.stringify({ ...report, fatal: { message: 'the plan took too long' } }));
    process.exit(1);
  }, (plan.timeout ?? 60) * 1000).unref();
  try {
    const { client, about, close } = await connect(url, plan, timeline);
    const steps = [];
    for (const [number, what] of plan.steps.entries()) steps.push(await guarded(client, timeline, number, what));
    Object.assign(report, about(), { steps });
    await close();
  } catch (error) {
    console.error(error);
    if (report.steps) report.closing = failure(error);
    else report.fatal = failure(error);
  }
  console.log(JSON.stringify(report));
  process.exit(report.fatal ? 1 : 0);
}
