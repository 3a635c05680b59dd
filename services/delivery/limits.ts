/** How much the worker takes on at once, and for how long it waits. Each with its reason. */

/**
 * Entries of one partition between claim and settlement. Enough to keep an endpoint busy that
 * answers in 50 ms at 2,500 messages a second; a slow one then holds back its partition only.
 */
export const MAX_IN_FLIGHT_PER_PARTITION = 128

/** Entries and retries of the whole process: 512 of the largest bodies are 128 MiB of plaintext. */
export const MAX_IN_FLIGHT = 512

/**
 * Attempts under way in the whole process, those that outlast their entry included: 1,024 of the largest
 * bodies are 256 MiB. Beyond it an endpoint is given one at a time.
 */
export const MAX_ATTEMPTS_UNDER_WAY = 1_024

/** Endpoints whose state is kept while they are not in use; a few hundred bytes each. */
export const MAX_ENDPOINTS_REMEMBERED = 10_000

/**
 * How long an entry waits for its first attempts before those that are not answered are lined up in
 * their backlogs: a hanging endpoint then costs its partition a quarter of a second, not fifteen.
 */
export const FIRST_ATTEMPT_MS = 250

/** How long a first attempt waits for a permit: longer than a burst, shorter than anybody notices. */
export const ROOM_WAIT_MS = 50

/**
 * How long both may take instead at an endpoint that is taking messages at a rate which makes an end of all it
 * has by then. A busy worker makes every endpoint look slow; lining up what they are about to take would cost
 * three calls of Redis each, and make it busier.
 */
export const MOVING_ENDPOINT_MS = 1_000

/** Between two looks at a backlog's messages that cannot be tried, however long it takes to read past them. */
export const MAX_BACKLOG_HOLD_MS = 3_600_000

/** References of a backlog read at once. */
export const BACKLOG_PAGE = 64

/** Retries of one partition that wait for a permit, and those of one endpoint among them; others are put off. */
export const MAX_RETRIES_WAITING = { partition: 8, endpoint: 2 } as const

/**
 * Retries of one partition, of MAX_RETRIES_PER_PARTITION, at endpoints whose latest attempt got no answer: each may
 * take as long as an attempt lasts. With those that wait they leave a quarter of the places to all others.
 */
export const MAX_RETRIES_SILENT = 16

/** Until the last retry of any policy is due, in seconds of a policy: SNS allows no longer one. */
export const LONGEST_POLICY_SECONDS = 3_600

/** How long a partition that is given up waits for attempts from its backlogs and of its retries. */
export const LEAVE_GRACE_MS = 1_000

/** Entries a claim asks for: past this the round trip is noise, and replies stay below 16 MiB. */
export const CLAIM_LIMIT = 64

/** Retries of one partition that run at once; all of them count against MAX_IN_FLIGHT too. */
export const MAX_RETRIES_PER_PARTITION = 32

/** Pause between two readings of a partition's pending entries that are not in flight. */
export const REREAD_PAUSE_MS = 3_000

/**
 * A reading may take a tenth of the time: with a backlog of held entries that takes two seconds to
 * read, the next one begins after twenty.
 */
export const REREAD_SHARE = 10

/** From one probe of a KMS key that does not work to the next, by one process: what waits is released within it. */
export const KEY_PROBE_MS = 30_000

/** The first probe follows a refusal by this part of it: most throttling and many outages are over by then. */
export const FIRST_PROBE_SHARE = 6

/** Probes under way: each may take as long as a call of KMS. */
export const MAX_PROBES = 32

/** KMS keys that do not work, of which a process knows; a kilobyte each. */
export const MAX_KEYS_REFUSED = 10_000

/** Of one partition; entries of more than that stay pending. Each is read, counted and probed by itself. */
export const MAX_HELD_KEYS_PER_PARTITION = 1_000

/** Held messages read at once: with the largest bodies 16 MiB. */
export const HELD_PAGE = 64

/** Pages a probe looks through for a data key that was not refused itself. */
export const MAX_PAGES_SAMPLED = 16

/** Held messages refused one after another end a release; fewer may be one data key's that was not re-encrypted with the others. */
export const MAX_REFUSED_IN_A_ROW = 256

/** How long a retry waits whose message is held for a key, unless it is released before: then it looks for itself. */
export const RETRY_HELD_MS = 600_000

/** KMS keys that have a label of their own in metrics; an account has few, and whoever writes to Redis can make some up. */
export const MAX_KEY_LABELS = 50

/** Refused data keys remembered of one KMS key, a few hundred bytes each; with more, the rest is asked for again. */
export const MAX_REFUSALS_REMEMBERED = 1_000

/** Delay of a retry that could not be tried: the KMS key, the topic record or Redis was not usable. */
export const RETRY_HOLD_MS = 3_000

/** Remembered ids of held entries, which spares a look-up in Redis for each at every reading; 10,000 are about 1 MB. */
export const MAX_HELD_REMEMBERED = 10_000

/** Between two looks at partitions that are this worker's and held by others still: that long they stay idle at most. */
export const ACQUIRE_PAUSE_MS = 200

/** The same after `QUICK_ROUNDS` of them, and between looks at the partitions of others; also a failed partition's rest. */
export const LOOK_PAUSE_MS = 1_000

/** Ten seconds: twice the usual lease. A holder that drains for longer, or is not ours, is asked after less often. */
export const QUICK_ROUNDS = 50

/** Between two attempts to reach Redis: from the first value, doubling up to the second. */
export const REDIS_PAUSE_MS = { first: 50, longest: 1_000 } as const

/** Topics held in memory with their subscriptions; the least recently used goes first. */
export const MAX_TOPICS_CACHED = 10_000

/** How long a topic whose record is forged or unreadable is not looked at again: each look may be an alarm. */
export const UNUSABLE_TOPIC_PAUSE_MS = 2_000

/** Connections to one origin; with MAX_IN_FLIGHT requests none waits for more than three others. */
export const MAX_CONNECTIONS_PER_ORIGIN = 128

/** A subscriber's answer is never used; a longer body costs it the connection. */
export const MAX_RESPONSE_BODY_BYTES = 65_536

/** Node's own limit for a server; an endpoint that sends more is not speaking to us. */
export const MAX_RESPONSE_HEADER_BYTES = 16_384

/** Responses of status 1xx before the real one. Nobody needs them here; a flood of them would be read until time is up. */
export const MAX_INFORMATIONAL_RESPONSES = 10

/** All of an answer as it comes over the wire: headers and body at their bounds, and as much again twice for framing. */
export const MAX_RESPONSE_BYTES = 262_144
