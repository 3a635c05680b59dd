/** The shell file that points AWS tools at the stack: `source .sealcast/env`. Works in any POSIX shell. */

/** What the names stand for: design, section 3. AWS CLI 1 and boto3 read only AWS_DEFAULT_REGION. */
export interface ClientEnvironment {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly gatewayUrl: string
  /** Undefined when KMS is not the stack's own. */
  readonly kmsUrl: string | undefined
  /** Of the fault controls of the stack's own KMS. */
  readonly kmsAdminUrl: string | undefined
  readonly caFile: string
  readonly caBundleFile: string
  readonly redisUrl: string
  readonly metricsUrls: readonly string[]
  /** As the services have them: `sealcast preflight` judges endpoints as they do. */
  readonly endpointNetworks: string
  /** As it was set for the services, if it was: `sealcast kms-usage` counts the periods that were to be expected. */
  readonly dataKeyReuseSeconds: string | undefined
  /** Of a stack in containers: where on this machine their files lie, and how workers call endpoints on it. */
  readonly inContainers?: {
    readonly secretsDir: string
    readonly principalsFile: string
    readonly endpointHost: string
  }
}

export function formatEnv(client: ClientEnvironment): string {
  const variables = {
    AWS_ACCESS_KEY_ID: client.accessKeyId,
    AWS_SECRET_ACCESS_KEY: client.secretAccessKey,
    AWS_REGION: client.region,
    AWS_DEFAULT_REGION: client.region,
    AWS_ENDPOINT_URL_SNS: client.gatewayUrl,
    AWS_ENDPOINT_URL_SQS: client.gatewayUrl,
    AWS_ENDPOINT_URL_STS: client.gatewayUrl,
    AWS_ENDPOINT_URL_KMS: client.kmsUrl,
    AWS_CA_BUNDLE: client.caBundleFile,
    SSL_CERT_FILE: client.caBundleFile,
    NODE_EXTRA_CA_CERTS: client.caFile,
    SEALCAST_REDIS_URL: client.redisUrl,
    SEALCAST_KMS_ADMIN_URL: client.kmsAdminUrl,
    SEALCAST_METRICS_URLS: client.metricsUrls.join(','),
    SEALCAST_ENDPOINT_NETWORKS: client.endpointNetworks,
    SEALCAST_DATA_KEY_REUSE_SECONDS: client.dataKeyReuseSeconds,
    SEALCAST_SECRETS_DIR: client.inContainers?.secretsDir,
    SEALCAST_PRINCIPALS_FILE: client.inContainers?.principalsFile,
    SEALCAST_DEMO_ENDPOINT_HOST: client.inContainers?.endpointHost,
  }
  const lines = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quoteForShell(value)}`],
  )
  // Either would make a client ignore the keys above, or send a token that belongs to others. An endpoint that
  // was set for the broker knows no client of it.
  const unset = ['AWS_PROFILE', 'AWS_SESSION_TOKEN', ...(client.kmsUrl === undefined ? ['AWS_ENDPOINT_URL_KMS'] : [])]
  return `${lines.join('\n')}\nunset ${unset.join(' ')}\n`
}

/** Within single quotes a POSIX shell changes nothing; a single quote itself has to leave them. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}
