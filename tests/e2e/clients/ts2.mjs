// The client of npm `@modelcontextprotocol/client` 2.4, both eras: `ts2.mjs URL PLAN` (see driver.py).
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { elicited, main, ROOT, sampled } from './driver.mjs';

const require = createRequire(join(process.env.ARGUS_PARTS, 'npm', 'package.json'));
const home = join(process.env.ARGUS_PARTS, 'npm', 'node_modules', '@modelcontextprotocol', 'client');
const entry = require(join(home, 'package.json')).exports['.'];
const path = typeof entry === 'string' ? entry : (entry.import?.default ?? entry.import ?? entry.default);
const load = (file) => import(pathToFileURL(join(home, file)).href);
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = await load(path);
const { StdioClientTransport } = await load('dist/stdio.mjs');

const MODES = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };

await main(async (url, plan, timeline) => {
  const declare = plan.declare ?? ['elicitation', 'sampling', 'roots'];
  const capabilities = {};
  if (declare.includes('elicitation')) capabilities.elicitation = { form: {}, url: {} };
  if (declare.includes('sampling')) capabilities.sampling = {};
  if (declare.includes('roots')) capabilities.roots = { listChanged: true };
  const client = new Client(
    { name: 'e2e-ts2', version: '1' },
    { capabilities, versionNegotiation: { mode: MODES[plan.era ?? 'legacy'] } },
  );
  if (capabilities.elicitation) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      timeline.push({ kind: 'elicitation', message: params.message, params });
      return elicited(params);
    });
  }
  if (capabilities.sampling) {
    client.setRequestHandler('sampling/createMessage', ({ params }) => {
      timeline.push({ kind: 'sampling', params });
      return sampled();
    });
  }
  if (capabilities.roots) {
    client.setRequestHandler('roots/list', () => {
      timeline.push({ kind: 'roots' });
      return { roots: [ROOT] };
    });
  }
  client.fallbackNotificationHandler = async ({ method, params }) => {
    timeline.push({ kind: 'note', method, params });
  };
  client.call = (params, options) => {
    const meta = plan.logLevel ? { _meta: { 'io.modelcontextprotocol/logLevel': plan.logLevel } } : {};
    return client.callTool({ ...params, ...meta }, options);
  };
  const overHttp = plan.transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
  const [command, ...args] = plan.command ?? [];
  const transport = plan.command ? new StdioClientTransport({ command, args, env: plan.env }) : new overHttp(url);
  await client.connect(transport);
  return {
    client,
    about: () => ({
      version: client.getNegotiatedProtocolVersion(),
      server: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
    }),
    close: async () => {
      if (client.getProtocolEra() === 'legacy') await transport.terminateSession?.();
      await client.close();
    },
  };
});
