/** The forms in which a secret could lie in a file, a log line, a metric or an answer, and the search for them. */

export interface Secret {
  readonly name: string
  readonly bytes: Buffer
}

export interface Searched {
  readonly name: string
  readonly bytes: Buffer
}

/**
 * Byte strings of which one is found wherever the secret is: as it is, in base64 and base64url whatever stands before
 * and behind it, in hex, in a URL, in JSON and in JSON within JSON, and as Node prints buffers.
 */
function formsOf(secret: Buffer): ReadonlyMap<string, Buffer> {
  const text = secret.toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(secret)
  const json = JSON.stringify(text).slice(1, -1)
  const texts: [name: string, text: string][] = [
    ...[0, 1, 2].flatMap((shift): [string, string][] => {
      const base64 = insideBase64(secret, shift)
      const base64url = base64.replaceAll('+', '-').replaceAll('/', '_')
      return [
        [`base64, shifted by ${shift}`, base64],
        [`base64url, shifted by ${shift}`, base64url],
      ]
    }),
    ['hex', secret.toString('hex')],
    ['hex in capitals', secret.toString('hex').toUpperCase()],
    // As much of a buffer as Node prints.
    ['hex of an inspected buffer', (secret.subarray(0, 30).toString('hex').match(/../g) ?? []).join(' ')],
    ['numbers', [...secret].join(',')],
    ...(isText
      ? ([
          ['URL', encodeURIComponent(text)],
          ['form', new URLSearchParams({ x: text }).toString().slice(2)],
          ['JSON', json],
          ['JSON within JSON', JSON.stringify(json).slice(1, -1)],
        ] satisfies [string, string][])
      : []),
  ]
  return new Map([['its bytes', secret], ...texts.map(([name, form]) => [name, Buffer.from(form)] as const)])
}

/** @returns what was found where, in words that do not quote the secret */
export function findSecrets(secrets: readonly Secret[], searched: readonly Searched[]): string[] {
  return secrets.flatMap(({ name, bytes }) =>
    [...formsOf(bytes)].flatMap(([form, sought]) =>
      searched.filter((place) => place.bytes.includes(sought)).map((place) => `${name} as ${form} in ${place.name}`),
    ),
  )
}

/** The characters of base64 that stand for nothing but the secret when `shift` bytes more than whole groups precede it. */
function insideBase64(secret: Buffer, shift: number): string {
  const base64 = Buffer.concat([Buffer.alloc(shift), secret])
    .toString('base64')
    .replaceAll('=', '')
  const bits = 8 * (shift + secret.byteLength)
  return base64.slice(Math.ceil((8 * shift) / 6), Math.floor(bits / 6))
}
