/**
 * Keys and certificates of notification signatures: `signing/`.
 *
 * Certificates are kept after their key has been replaced, since a subscriber may check an old
 * notification; they are public and readable without any key, so that the gateway, which only
 * serves them, never holds a signing key.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createSigningCertificate, signingCertificateId } from '#shared/pki'
import { SecretFileError } from './errors.ts'
import { createSecretFile, readSecretFile } from './secret-file.ts'

export interface SigningIdentity {
  /** 32 hex digits: the certificate's address is /SimpleNotificationService-<id>.pem. */
  certificateId: string
  certificatePem: string
  privateKey: KeyObject
}

export const SIGNING_DIR = 'signing'
const CURRENT_FILE = 'current'
const COMMON_NAME = 'Sealcast notification signing'
const CERTIFICATE_FILE = /^([0-9a-f]{32})\.cert\.pem$/

/** @throws {SecretFileError} when a file is missing, open to others, or key and certificate do not belong together */
export async function readSigningIdentity(dir: string): Promise<SigningIdentity> {
  const certificateId = await readCurrentId(dir)
  const keyPath = pathOf(dir, `${certificateId}.key.pem`)
  const certificate = await readCertificate(dir, certificateId)
  const privateKey = parseKey(keyPath, await readSecretFile(keyPath, 'secret'))
  // Signing with a key whose certificate is another would make every notification unverifiable.
  if (!new X509Certificate(certificate).checkPrivateKey(privateKey)) {
    throw new SecretFileError(`Cannot use ${keyPath}: it is not the key of the certificate beside it`)
  }
  return { certificateId, certificatePem: certificate, privateKey }
}

/**
 * All certificates, id → PEM, also those no longer in use.
 *
 * @throws {SecretFileError} when the directory cannot be read or a certificate is not the one its name says
 */
export async function readSigningCertificates(dir: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(pathOf(dir, '')).catch((error: NodeJS.ErrnoException) => {
    throw new SecretFileError(`Cannot read ${pathOf(dir, '')}: ${error.code ?? 'unknown fault'}`)
  })
  const certificates = new Map<string, string>()
  for (const id of certificateIds(names)) certificates.set(id, await readCertificate(dir, id))
  return certificates
}

/**
 * Completes `signing/`: certificate and key first, `current` last, so that `current` never names an absent key.
 *
 * @returns names of the files made
 * @throws {SecretFileError} when `current` names a key or certificate that is gone: making another would hide the loss
 */
export async function createMissingSigningIdentity(dir: string, now: number): Promise<string[]> {
  const names = await readdir(pathOf(dir, ''))
  if (names.includes(CURRENT_FILE)) {
    await readSigningIdentity(dir)
    return []
  }
  const made: string[] = []
  const create = async (name: string, content: string) => {
    if (await createSecretFile(pathOf(dir, name), content)) made.push(join(SIGNING_DIR, name))
  }
  // An earlier start may have ended just before `current`: use what it left.
  let id = certificateIds(names).find((candidate) => names.includes(`${candidate}.key.pem`))
  if (id === undefined) {
    const signing = createSigningCertificate({ commonName: COMMON_NAME, now })
    id = signing.id
    await create(`${id}.cert.pem`, signing.certificatePem)
    await create(`${id}.key.pem`, signing.privateKeyPem)
  }
  await create(CURRENT_FILE, `${id}\n`)
  return made
}

async function readCurrentId(dir: string): Promise<string> {
  const path = pathOf(dir, CURRENT_FILE)
  const id = (await readSecretFile(path, 'public')).trim()
  if (!/^[0-9a-f]{32}$/.test(id)) throw new SecretFileError(`Cannot use ${path}: it is not an id of 32 hex digits`)
  return id
}

async function readCertificate(dir: string, id: string): Promise<string> {
  const path = pathOf(dir, `${id}.cert.pem`)
  const pem = await readSecretFile(path, 'public')
  let actualId: string | undefined
  try {
    actualId = signingCertificateId(pem)
  } catch {
    // OpenSSL's message adds nothing to what follows.
  }
  if (actualId !== id) throw new SecretFileError(`Cannot use ${path}: it does not hold the certificate its name says`)
  return pem
}

function parseKey(path: string, pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // OpenSSL's message adds nothing to what follows.
  }
  if (key?.asymmetricKeyType !== 'rsa') throw new SecretFileError(`Cannot use ${path}: it is not an RSA private key`)
  return key
}

function certificateIds(names: readonly string[]): string[] {
  return names.flatMap((name) => CERTIFICATE_FILE.exec(name)?.[1] ?? []).sort()
}

function pathOf(dir: string, name: string): string {
  return join(dir, SIGNING_DIR, name)
}
