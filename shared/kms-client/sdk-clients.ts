/**
 * The SDK's clients: one a region, since the region is part of the signature; all share one pool of
 * sockets, and only the latest used are kept: a topic's region is whatever its owner wrote into a
 * credential scope.
 *
 * Two kinds of KMS. The local one is given everything that the SDK would otherwise look up in the
 * environment or in ~/.aws, so that what happens to lie around on the machine decides nothing. With AWS
 * KMS that look-up is what was asked for: credentials, endpoint and FIPS are the SDK's to find. How
 * patiently is asked is ours in both, and that nothing goes to AWS in clear: data keys and credentials of roles come back.
 */

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { KMSClient } from '@aws-sdk/client-kms'
import { STSClient } from '@aws-sdk/client-sts'
import { createLruMap } from '#shared/lru-map'
import { KmsInsecureEndpointError } from './errors.ts'

export interface KmsCredential {
  accessKeyId: string
  secretAccessKey: string
}

/** Where KMS is and as whom it is asked. */
export type KmsAccess =
  | { readonly kind: 'local'; readonly endpoint: string; readonly credential: KmsCredential }
  | { readonly kind: 'aws' }

interface SessionCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface SdkClients {
  of(region: string): KMSClient
  /** With credentials of a role instead of the broker's; a new one each time. */
  signedBy(credentials: SessionCredentials, region: string): KMSClient
  /** Asked with the credentials that KMS of the region is asked with. */
  stsOf(region: string): STSClient
  close(): void
}

/** One retry: a second one would not fit into the deadline after a request that timed out. */
const MAX_ATTEMPTS = 2

/** Sockets to KMS; the SDK's own default for one client. */
const MAX_SOCKETS = 50

/** SDK clients kept, of about 200 KiB each: more than regions in use by any sane set of topics. */
const MAX_CLIENTS = 32

export function createSdkClients(o: { access: KmsAccess; connectTimeoutMs: number; deadlineMs: number }): SdkClients {
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS })
  // Dropped, not destroyed: calls under way go on, and the sockets are not the client's own.
  const clients = createLruMap<KMSClient>(MAX_CLIENTS)
  const stsClients = createLruMap<STSClient>(MAX_CLIENTS)
  const patience = {
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    defaultsMode: 'legacy',
    requestHandler: {
      connectionTimeout: o.connectTimeoutMs,
      // Leaves time for the second attempt.
      requestTimeout: Math.ceil(o.deadlineMs * 0.6),
      throwOnRequestTimeout: true,
      httpAgent,
      httpsAgent,
    },
  } as const
  const create = (region: string, as: { credentials?: SessionCredentials } = {}) => {
    const client = new KMSClient({ region, ...lookUpsOf(o.access), ...as, ...patience })
    if (o.access.kind === 'aws') client.middlewareStack.add(refusePlainHttp, PLAIN_HTTP_STEP)
    return client
  }
  const of = (region: string) => {
    const client = clients.get(region) ?? create(region)
    clients.set(region, client)
    return client
  }
  const createSts = (region: string) => {
    const client = new STSClient({ region, credentials: of(region).config.credentials, ...patience })
    client.middlewareStack.add(refusePlainHttp, PLAIN_HTTP_STEP)
    return client
  }
  return {
    of,
    // Not kept: 0.4 ms beside a call that is made once in a data key's life, and 200 KiB for each role otherwise.
    signedBy: (credentials, region) => create(region, { credentials }),
    stsOf(region) {
      const client = stsClients.get(region) ?? createSts(region)
      stsClients.set(region, client)
      return client
    },
    close() {
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

function lookUpsOf(access: KmsAccess) {
  // Each region's client looks for credentials by itself: one that assumes a role asks its region's STS.
  if (access.kind === 'aws') return {}
  const { accessKeyId, secretAccessKey } = access.credential
  return {
    endpoint: access.endpoint,
    credentials: { accessKeyId, secretAccessKey },
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
  }
}

const PLAIN_HTTP_STEP = { step: 'build', name: 'sealcastPlainHttp' } as const

/** An endpoint from the environment or a profile may be any; nothing must cross a network in clear. */
function refusePlainHttp<Args extends { request: unknown }, Result>(next: (args: Args) => Promise<Result>) {
  return async (args: Args): Promise<Result> => {
    const { protocol, hostname } = Object(args.request)
    if (protocol !== 'https:' && !isLoopback(String(hostname))) {
      throw new KmsInsecureEndpointError('Cannot ask KMS: its endpoint and that of STS must be https beyond loopback')
    }
    return await next(args)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
