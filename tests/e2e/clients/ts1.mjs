// The client of npm `@modelcontextprotocol/sdk` 1.32, legacy only: `ts1.mjs URL PLAN` (see driver.py).
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { elicited, main, ROOT, sampled } from './driver.mjs';

const require = createRequire(join(process.env.ARGUS_PARTS, 'npm', 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)).href);
const { Client } = await load('client/index.js');
const { SSEClientTransport } = await load('client/sse.js');
const { StdioClientTransport } = await load('client/stdio.js');
const { StreamableHTTPClientTransport } = await load('client/streamableHttp.js');
const types = await load('types.js');

await main(async (url, plan, timeline) => {
  const declare = plan.declare ?? ['elicitation', 'sampling', 'roots'];
  const capabilities = {};
  if (declare.includes('elicitation')) capabilities.elicitation = { form: {}, url: {} };
  if (declare.includes('sampling')) capabilities.sampling = {};
  if (declare.includes('roots')) capabilities.roots = { listChanged: true };
  const client = new Client({ name: 'e2e-ts1', version: '1' }, { capabilities });
  if (capabilities.elicitation) {
    client.setRequestHandler(types.ElicitRequestSchema, ({ params }) => {
      timeline.push({ kind: 'elicitation', message: params.message, params });
      return elicited(params);
    });
  }
  if (capabilities.sampling) {
    client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) => {
      timeline.push({ kind: 'sampling', params });
      return sampled();
    });
  }
  if (capabilities.roots) {
    client.setRequestHandler(types.ListRootsRequestSchema, () => {
      timeline.push({ kind: 'roots' });
      return { roots: [ROOT] };
    });
  }
  client.fallbackNotificationHandler = async ({ method, params }) => {
    timeline.push({ kind: 'note', method, params });
  };
  client.call = (params, options) => client.callTool(params, undefined, options);
  const tasks = client.experimental.tasks;
  // Begins a task, and waits for its result or cancels it.
  client.task = async (name, args, cancel) => {
    const seen = { statuses: [] };
    await client.listTools();
    for await (const said of tasks.callToolStream({ name, arguments: args }, undefined, { task: { ttl: 60000 } })) {
      if (said.type === 'error') throw said.error;
      if (said.type === 'result') seen.result = said.result;
      if (said.type === 'taskStatus') seen.statuses.push(said.task.statusMessage);
      if (said.type !== 'taskCreated') continue;
      seen.begun = said.task;
      seen.then = await tasks.getTask(said.task.taskId);
      if (cancel) {
        seen.cancelled = await tasks.cancelTask(said.task.taskId);
        break;
      }
    }
    seen.after = await tasks.getTask(seen.begun.taskId);
    return seen;
  };
  client.tasks = (cursor) => tasks.listTasks(cursor);
  const overHttp = plan.transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
  const [command, ...args] = plan.command ?? [];
  const transport = plan.command ? new StdioClientTransport({ command, args, env: plan.env }) : new overHttp(url);
  // The transport over stdio is not told.
  let version;
  transport.setProtocolVersion ??= (named) => {
    version = named;
  };
  await client.connect(transport);
  return {
    client,
    about: () => ({
      // The transport of HTTP+SSE keeps it to itself.
      version: version ?? transport.protocolVersion ?? transport._protocolVersion,
      server: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
    }),
    close: async () => {
      await transport.terminateSession?.();
      await client.close();
    },
  };
});
