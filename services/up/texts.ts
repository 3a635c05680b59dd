/** The longer texts that `up` prints. */

import { quoteForShell } from './write-env.ts'

export const HELP = `Usage: npm run up [-- --gateways <number> --workers <number>]

Starts a private Redis, a local KMS, gateways and delivery workers (one of each unless told), keeps them
running, and stops them all on Ctrl-C. When the file env is in the data directory, everything is ready.
With SEALCAST_KMS=aws there is no local KMS: AWS KMS is asked, with the credentials the AWS SDK finds.
--prepare-compose starts nothing: it makes what docker-compose.yml needs, in .sealcast-compose.
SIGUSR2 replaces gateways and workers one after another, without a pause for publishers.

  --gateways, SEALCAST_GATEWAYS   1 to 32, on one port; several need Linux
  --workers, SEALCAST_WORKERS     0 to 32; partitions are shared between them

  SEALCAST_HOME          data directory (.sealcast)
  SEALCAST_GATEWAY_PORT  HTTPS (4443)             SEALCAST_HTTP_PORT     plain HTTP (off)
  SEALCAST_KMS_PORT      local KMS (4599)         SEALCAST_METRICS_PORT  first of one each (9464)
  SEALCAST_REDIS_PORT    private Redis (4379)     SEALCAST_REDIS_URL     a Redis of yours instead
  SEALCAST_KMS_ADMIN_PORT  faults of the local KMS on purpose, loopback only (4598)
  SEALCAST_PUBLIC_URL    the gateway as clients and subscribers see it (https://localhost:<port>)

A port of 0 is any free one. Other SEALCAST_* variables go on to the services.
`

export function readyText(o: {
  home: string
  gatewayUrl: string
  account: string
  region: string
  seconds: number
  pid: number
}): string {
  return `
Sealcast is ready at ${o.gatewayUrl} (${o.seconds.toFixed(1)} s). In another terminal:

  source ${asShellWord(`${o.home}/env`)}
  aws sns create-topic --name orders
  aws sns publish --topic-arn arn:aws:sns:${o.region}:${o.account}:orders --message hello

Logs are in ${o.home}/logs. Ctrl-C stops everything; kill -USR2 ${o.pid} replaces gateways and workers one by one.

`
}

export function composeText(o: {
  home: string
  made: readonly string[]
  warnings: readonly string[]
  variablesFile: string
  isLinked: boolean
}): string {
  const command = `docker-compose ${o.isLinked ? '' : `--env-file ${asShellWord(o.variablesFile)} `}up -d --build`
  return `${o.warnings.map((warning) => `${warning}\n`).join('')}
${asShellWord(o.home)} ${o.made.length === 0 ? 'is in place' : `has all that the containers need now: ${o.made.join(', ')}`}.

  ${command}
  source ${asShellWord(`${o.home}/env`)}     # once all are healthy, for AWS tools and npm run sealcast
  SEALCAST_HOME=${asShellWord(o.home)} npm run demo

`
}

/** To be typed as it stands: quoted only where it must be. */
function asShellWord(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : quoteForShell(path)
}

/** What can no longer be done once a secret was lost. The others can be replaced without harm. */
const LOST_WITH: ReadonlyMap<string, string> = new Map([
  ['record-mac.json', 'topics, subscriptions and messages stored so far are refused as forged'],
  ['token.json', 'links to confirm or unsubscribe that were sent so far are refused'],
])

/** For a data directory that is not new: a warning for each secret whose loss matters. */
export function lostSecretsTexts(made: readonly string[]): string[] {
  return made.flatMap((name) => {
    const loss = LOST_WITH.get(name)
    return loss === undefined
      ? []
      : [`WARNING: secrets/${name} had gone and is new now: ${loss}. Restore the old one if you can`]
  })
}
