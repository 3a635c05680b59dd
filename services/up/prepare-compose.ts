/**
 * `npm run up -- --prepare-compose`: makes what docker-compose.yml mounts, as far as it is missing, and starts nothing.
 *
 * Containers run as the user who prepares, so that their files are for one uid alone and are still the user's own; root
 * prepares for a uid of the containers' own and hands the files over. The key of our CA is never mounted. Running it again
 * changes no secret; certificates near their end are made anew.
 */

import { createHash, randomBytes } from 'node:crypto'
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '#shared/config'
import { createMissingSecrets } from '#shared/secrets'
import { gatewayHosts, prepareAuthority, prepareServerCertificate } from './certificates.ts'
import { type ComposeConfig, composeVariables } from './compose-config.ts'
import { openFolder, replaceFile } from './data-directory.ts'
import { prepareAdmin } from './prepare-admin.ts'
import { lostSecretsTexts } from './texts.ts'
import { formatEnv } from './write-env.ts'

/** What stays with whoever prepares; all else belongs to the containers. */
const NEVER_HANDED_OVER = new Set(['env', 'compose.env', 'tls', 'ca-bundle.pem'])

/** As the workers call the machine that they run on. */
const THIS_MACHINE = 'host.docker.internal'

export interface PreparedCompose {
  /** In words, for the progress line; empty when nothing was missing. */
  readonly made: readonly string[]
  readonly warnings: readonly string[]
  /** Holds the variables that docker-compose.yml asks for. */
  readonly variablesFile: string
}

/**
 * @param o.owner uid and gid of the containers
 * @param o.handsOver whether files have to be given to them: whoever prepares is somebody else
 * @throws {DataDirectoryError} naming the folder that cannot be made or written
 */
export async function prepareCompose(o: {
  config: ComposeConfig
  env: Environment
  owner: { uid: number; gid: number }
  handsOver: boolean
  now: number
}): Promise<PreparedCompose> {
  const { config, now } = o
  const { home } = config
  const at = (...path: string[]) => join(home, ...path)
  const folders = ['tls', 'tls-gateway', 'tls-kms', 'secrets', 'principals', 'redis', 'data']
  const data = ['redis', 'kms', 'prometheus', 'grafana'].map((name) => at('data', name))
  for (const folder of [home, ...folders.map((name) => at(name)), ...data]) openFolder(folder)

  const ca = { certificateFile: at('ca.pem'), keyFile: at('tls', 'ca.key.pem') }
  const { authority, isNew } = prepareAuthority({ ...ca, caBundle: at('ca-bundle.pem'), now })
  const made = isNew ? ['CA'] : []
  for (const [name, folder, names] of [
    ['gateway certificate', 'tls-gateway', ['gateway', 'gateway-2']],
    ['KMS certificate', 'tls-kms', ['kms']],
  ] as const) {
    const files = { certificateFile: at(folder, 'crt.pem'), keyFile: at(folder, 'key.pem') }
    const hosts = [...gatewayHosts(config.publicUrl), ...names]
    if (prepareServerCertificate({ ...files, authority, hosts, now })) made.push(name)
  }

  const principals = at('principals', 'principals.json')
  const isFirst = !existsSync(principals)
  const secrets = await createMissingSecrets(at('secrets'), { now })
  if (secrets.length > 0) made.push('broker secrets')
  const admin = await prepareAdmin(principals, { account: config.account })
  if (admin.isNew) made.push(`principal ${admin.arn}`)

  const ofServices = prepareSecret(at('redis', 'sealcast.password'))
  const ofOperator = prepareSecret(at('redis', 'operator.password'))
  prepareSecret(at('grafana.password'))
  writeIfOther(at('redis', 'url'), `redis://sealcast:${ofServices}@redis:6379\n`)
  writeIfOther(at('redis', 'users.acl'), redisUsers({ ofServices, ofOperator }))

  const { ports } = config
  const metricsPorts = [ports.metricsGateway, ports.metricsDelivery, ports.metricsKms]
  replaceFile(
    at('env'),
    formatEnv({
      accessKeyId: admin.accessKeyId,
      secretAccessKey: admin.secretAccessKey,
      region: config.region,
      gatewayUrl: `https://localhost:${ports.gateway}`,
      kmsUrl: `https://localhost:${ports.kms}`,
      kmsAdminUrl: undefined,
      caFile: ca.certificateFile,
      caBundleFile: at('ca-bundle.pem'),
      redisUrl: `redis://operator:${ofOperator}@127.0.0.1:${ports.redis}`,
      metricsUrls: [...metricsPorts, ports.metricsGateway2, ports.metricsDelivery2].map(
        (port) => `http://127.0.0.1:${port}/metrics`,
      ),
      endpointNetworks: config.endpointNetworks,
      dataKeyReuseSeconds: o.env.SEALCAST_DATA_KEY_REUSE_SECONDS || undefined,
      inContainers: { secretsDir: at('secrets'), principalsFile: principals, endpointHost: THIS_MACHINE },
    }),
  )
  const variablesFile = at('compose.env')
  const variables = Object.entries(composeVariables(o.env, config, o.owner))
  replaceFile(
    variablesFile,
    `# Written by \`npm run up -- --prepare-compose\`; no secret is in it.\n${variables.map(([name, value]) => `${name}=${value}\n`).join('')}`,
  )
  if (o.handsOver) {
    for (const name of readdirSync(home)) if (!NEVER_HANDED_OVER.has(name)) handOver(at(name), o.owner)
  }
  return { made, warnings: isFirst ? [] : lostSecretsTexts(secrets), variablesFile }
}

/**
 * Services keep to their own keys and channels and cannot configure, stop or empty the server; the operator, whose URL stands
 * in `env`, may do all. Nobody can be the default user, and yet it must be allowed everything: as it Redis replays the
 * AOF, and what it is not allowed to do in a transaction would be left out with a line in the log, that is lost. Passwords as hashes: this file is no secret worth stealing.
 */
function redisUsers({ ofServices, ofOperator }: { ofServices: string; ofOperator: string }): string {
  const hash = (password: string) => createHash('sha256').update(password).digest('hex')
  return [
    'user default off resetpass ~* &* +@all',
    `user sealcast on #${hash(ofServices)} ~sealcast:* &sealcast:* +@all -@admin -@dangerous +info +config|get`,
    `user operator on #${hash(ofOperator)} ~* &* +@all`,
    '',
  ].join('\n')
}

/** Reads or makes it; the same one for the life of the directory. */
function prepareSecret(file: string): string {
  if (!existsSync(file)) replaceFile(file, randomBytes(32).toString('base64url'))
  return readFileSync(file, 'utf8').trim()
}

/** Containers see a single mounted file as it was when they started, so it is not replaced for nothing. */
function writeIfOther(file: string, content: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== content) replaceFile(file, content)
}

function handOver(path: string, owner: { uid: number; gid: number }): void {
  chownSync(path, owner.uid, owner.gid)
  let names: string[]
  try {
    names = readdirSync(path)
  } catch {
    return
  }
  for (const name of names) {
    try {
      handOver(join(path, name), owner)
    } catch (error) {
      // Redis, KMS or Prometheus may be running and have removed a file of theirs meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}
