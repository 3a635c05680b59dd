/**
 * The SDK's clients: one a region, since the region is part of the signature; all share one pool of
 * sockets, and only the latest used are kept: a topic's region is whatever its owner wrote into a
 * credential scope.
 *
 * Two kinds of KMS. The local one is given everything that the SDK would otherwise look up in the
 * environment or in ~/.aws, so that what happens to lie around on the machine decides nothing. With AWS
 * KMS that look-up is what was asked for: credentials, endpoint and FIPS are the SDK's to find. How
 * patiently is asked is ours in both.
 */

import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { KMSClient } from '@aws-sdk/client-kms'
import { createLruMap } from '#shared/lru-map'

export interface KmsCredential {
  accessKeyId: string
  secretAccessKey: string
}

/** Where KMS is and as whom it is asked. */
export type KmsAccess =
  | { readonly kind: 'local'; readonly endpoint: string; readonly credential: KmsCredential }
  | { readonly kind: 'aws' }

export interface SdkClients {
  of(region: string): KMSClient
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
  const create = (region: string) =>
    new KMSClient({
      region,
      ...lookUpsOf(o.access),
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
    })
  return {
    of(region) {
      const client = clients.get(region) ?? create(region)
      clients.set(region, client)
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
