/**
 * Until when the certificates last that this process uses at present: what an alert before the end looks at.
 *
 * Told of the bytes in use rather than of a file: a file that was replaced and not taken over would otherwise seem fine.
 */

import { X509Certificate } from 'node:crypto'
import type { Metrics } from './metrics.ts'

/**
 * `gateway`: what clients connect to. `signing`: of the key that signs notifications. `ca`: what else endpoints are
 * trusted by. `kms`: of the local KMS, where it speaks TLS.
 */
export type CertificateName = 'gateway' | 'signing' | 'ca' | 'kms'

export interface CertificateGauge {
  /** @param pem one or more; the one that ends first counts, since what relies on all of them ends with it */
  inUse(certificate: CertificateName, pem: string): void
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

export function createCertificateGauge(metrics: Pick<Metrics, 'gauge'>): CertificateGauge {
  const gauge = metrics.gauge(
    'sealcast_certificate_not_after_seconds',
    'When the certificate that is in use now stops being valid, in seconds since 1970, by what it is for.',
    ['certificate'],
  )
  return {
    inUse(certificate, pem) {
      const ends = (pem.match(BLOCK) ?? []).flatMap(notAfter)
      if (ends.length > 0) gauge.set({ certificate }, Math.min(...ends))
    },
  }
}

/** @returns epoch seconds; nothing of one that cannot be read, which is for whoever uses it to refuse */
function notAfter(block: string): number[] {
  try {
    return [new X509Certificate(block).validToDate.getTime() / 1000]
  } catch {
    return []
  }
}
