#!/usr/bin/env python3
"""The two loops of shared/stream.c and shared/sink.c, checked in every interleaving.
SPDX-License-Identifier: Apache-2.0

    tests/model/log_first.py                run every variant, one "ok - " line each
    tests/model/log_first.py WORDS...       only the variants whose name contains one of WORDS
    tests/model/log_first.py --trace ...    also print a shortest way into the first violation
    tests/model/log_first.py --deep         also the larger searches (some minutes, 4 GB)

A variant is "ok" if the loops as they are have no violation, or if the loops with
one ingredient taken away have one.  (A checker that finds nothing wrong with a
broken loop says nothing about the whole one.)

What is modelled
----------------
Stream stage, one input partition.  Input records carry event ids; two records may
carry the same id (a client that sent twice).  A stateful stage keeps a duplicate
filter in memory and in a changelog partition, and must leave exactly one committed
decision per id; a stateless stage must leave exactly one per record.  One batch is
one Kafka transaction over three partitions: output, changelog (new ids, then the
position record) and the group's offsets.

  broker   one transaction per transactional.id: open, prepare-commit, prepare-
           abort, complete; markers reach the three partitions one by one, in any
           order; an epoch bump fences older producers; open transactions time out;
           offsets of an undecided transaction are 'pending'.
  group    every start of an instance moves the partition to it (new generation);
           the older instance lives on as a zombie that knows nothing of it until
           something refuses it.  The partition may come back to it.
  stage    as stream.c has it:
             init     renew_producer(): init_transactions of a new producer
             fetch    ask_committed(): the group's committed, stable offset
             restore  restore(): the changelog until its position record equals that
                      offset; a record beyond it: the offset is asked again; neither
                      an offset nor a record: the beginning
             out chg offs end   transact(): begin and outputs, state and position
                      record, send_offsets_to_transaction, commit_transaction;
                      shortly after a commit the offsets come first
             undo()   after any failed call, whether or not the transaction could be
                      aborted: the producer is destroyed, then init, fetch, restore
             a commit during which the library had to send a request again
                      (producer_tainted): a new producer, offset and state stay
             batches that were handled while the one before was committed are part of
                      the state: written next, undone with it
             a partition that comes back once all is committed (before_rebalance): fetch
                      and restore, the producer stays
             a zombie that is refused ends or, as long as it does not know that it
                      is one, undoes the batch and tries again
           It may be killed between any two steps, and lose the reply to commit (the
           request applied, lost, or applied later).
  network  a request that the client library re-sent by itself may arrive a second
           time at any later moment (KAFKA-17754): EndTxn(commit), EndTxn(abort),
           TxnOffsetCommit.

Sink, the same output partition into PostgreSQL, as sink.c has it: read_position(),
read records up to the last stable offset, then ONE PostgreSQL transaction: compare-
and-set of the position, and the rows.  Meanwhile the next batch may be read.  A
position that was moved and a COMMIT without an answer both drop what is in hand and
lead back to read_position(); an idle sink looks at it now and then.  It may be killed or live on as a zombie.  PostgreSQL may lose its last
transactions, rows and position together.

Not modelled: several partitions in one transaction (they share one fate; every
check is per partition), the sequence numbers by which a stage notices gaps and
repeats of the one before, time (no bounds, only 'stuck for ever'), offsets that
expire, brokers that lose committed records.
"""
import sys
import time

DESIGN = dict(
    ids=(0, 0, 1),          # event id of every input record
    batch=1,                # records per transaction
    starts=3, kills=2,      # stage instances started in all; kills among them
    aborts=0,               # batches given up with abort_transaction
    lost_replies=0,         # replies to commit that never come
    late=0,                 # requests that arrive a second time, late
    timeouts=0,             # transactions of a LIVE owner that the broker times out
    comebacks=0,            # times that a refused zombie tries again
    regains=0,              # times that the partition comes back to an older instance
    same_id=False,          # every instance uses one transactional.id (restart in place)
    sink_starts=0, sink_kills=0, sink_lost_replies=0,
    pg_losses=0,            # times PostgreSQL forgets its last transactions (asynchronous
                            # commit and a crash, a fail-over, a restored backup, a rebuild)
    # the ingredients
    stateful=True,          # duplicate filter; False: one decision per record
    transaction=True,       # outputs, changelog and offsets in one transaction
    offsets_in_txn=True,    # offsets by send_offsets_to_transaction
    offsets_first=False,    # before the outputs (producer_await), not behind the changelog
    changelog_in_txn=True,
    metadata='assignment',  # group metadata of the 'assignment' | of the 'commit' | 'none'
    require_stable=True,    # OffsetFetch waits for pending offsets
    restore='position',     # until position record == committed offset | 'none'
                            # | 'end': true end of the log | 'lso': last stable offset
    state_on_abort='drop',  # and restore | 'keep'
    rewind_on_abort=True,
    ahead_on_abort='drop',  # a batch handled while the undone one was written | 'keep'
    new_producer=True,      # after every undone batch and every re-sent request
                            # | 'errors': only where a call failed | False: never
    on_lost_reply='ask',    # new producer, committed offset, restore | 'redo' | 'go_on'
    sink_cas=True,          # UPDATE ... AND next_offset = from must match one row
    sink_start='position',  # ops.positions | 'kafka': committed offset of the sink's group
    sink_on_lost_reply='pos',   # read the position | 'pg': the same once more
    sink_recheck=True,      # an idle sink looks at its position again
    sink_atomic=True,       # position and rows in one PostgreSQL transaction
    sink_isolation='read_committed',
)

# state of the transaction of a transactional.id
EMPTY, OPEN, PREP_COMMIT, PREP_ABORT, DONE_COMMIT, DONE_ABORT = range(6)
OUT, CHG, OFF = 1, 2, 4             # the partitions in a transaction, as bits
COMMITTED, ABORTED = -1, -2         # status of a record; else the txid that is undecided

# fields of a state
(K,         # offset committed by the group; NONE: never any
 PEND,      # pending offsets: ((txid, offset), ...)
 TX,        # per transactional.id: (state, partitions)
 LOG,       # output partition: ((id, status), ...)
 CLOG,      # changelog partition: ((position, ids, status), ...)
 NET,       # late copies of requests: sorted ((kind, txid, what, current), ...)
 WS,        # living stage instances: (pc, owner, txid, epoch_valid, position, ids)
 LEFT,      # stage budget: [starts, kills, aborts, lost replies, late, timeouts, comebacks,
            # regains]
 POS,       # ops.positions.next_offset
 KS,        # offset the sink committed to Kafka (variant only)
 ROWS,      # rows written, per output offset
 SS,        # living sink instances: (pc, newest, from, to, records read, (to, records) read ahead)
 SLEFT,     # sink budget: [starts, kills, lost replies, losses of PostgreSQL]
 ) = range(13)
START, KILL, ABORT, REPLY, LATE, TIMEOUT, COMEBACK, REGAIN = range(8)
NONE = -1                           # as an offset


def put(t, i, v):
    return t[:i] + (v,) + t[i + 1:]


def spend(n, field, i):
    n[field] = put(n[field], i, n[field][i] - 1)


class Model:
    def __init__(self, **options):
        assert not set(options) - set(DESIGN), set(options) - set(DESIGN)
        self.__dict__.update(DESIGN, **options)
        self.n = len(self.ids)
        steps = ('offs', 'out', 'chg') if self.offsets_first else ('out', 'chg', 'offs')
        self.head, self.then = steps[0], dict(zip(steps, steps[1:] + ('end',)))
        if not self.stateful:                               # every record is its own id
            self.ids = tuple(range(self.n))

    def first(self):
        return (NONE, (), (), (), (), (), (),
                (self.starts, self.kills, self.aborts, self.lost_replies, self.late, self.timeouts,
                 self.comebacks, self.regains),
                0, 0, (), (),
                (self.sink_starts, self.sink_kills, self.sink_lost_replies, self.pg_losses))

    # ---------------------------------------------------------------- broker
    def tidy(self, n):
        """Merge states that nobody can tell apart."""
        if not self.sink_starts:                            # nobody looks at output offsets
            n[LOG] = tuple(sorted(x for x in n[LOG] if x[1] != ABORTED))
        c = [x for x in n[CLOG] if x[2] != ABORTED]
        while len(c) > 1 and c[0][2] == c[1][2] == COMMITTED:
            c[0:2] = [(c[1][0], c[0][1] | c[1][1], COMMITTED)]
        n[CLOG] = tuple(c)

    def mark(self, n, tx, part):
        """One marker is written: the fate of `tx` becomes visible in `part`."""
        state, parts = n[TX][tx]
        commit = state == PREP_COMMIT
        fate = COMMITTED if commit else ABORTED
        if part == OUT:
            n[LOG] = tuple((i, fate if s == tx else s) for i, s in n[LOG])
        elif part == CHG:
            n[CLOG] = tuple((p, i, fate if s == tx else s) for p, i, s in n[CLOG])
        else:
            for t, o in n[PEND]:
                if t == tx and commit:
                    n[K] = o
            n[PEND] = tuple(x for x in n[PEND] if x[0] != tx)
        self.left(n, tx, parts & ~part)
        self.tidy(n)

    def left(self, n, tx, parts):
        state = n[TX][tx][0]
        if not parts:
            state = DONE_COMMIT if state == PREP_COMMIT else DONE_ABORT
        n[TX] = put(n[TX], tx, (state, parts))

    def decide(self, n, tx, commit):
        """The coordinator logs prepare-commit or prepare-abort; the markers follow."""
        parts = n[TX][tx][1]
        n[TX] = put(n[TX], tx, (PREP_COMMIT if commit else PREP_ABORT, parts))
        if not self.sink_starts and parts & OUT:            # its moment matters to nobody then
            self.mark(n, tx, OUT)
        if not n[TX][tx][1]:
            self.left(n, tx, 0)

    def fence(self, n, tx):
        """Epoch bump: older producers and their late requests are refused from now on."""
        n[WS] = tuple(put(w, 3, False) if w[2] == tx else w for w in n[WS])
        n[NET] = tuple(m for m in n[NET] if m[1] != tx)

    def add(self, n, tx, part):
        """AddPartitionsToTxn, AddOffsetsToTxn. False: CONCURRENT_TRANSACTIONS, wait."""
        state, parts = n[TX][tx]
        if state in (PREP_COMMIT, PREP_ABORT):
            return False
        n[TX] = put(n[TX], tx, (OPEN, (parts if state == OPEN else 0) | part))
        return True

    def send_late(self, n, kind, tx, what):
        spend(n, LEFT, LATE)
        n[NET] = tuple(sorted(n[NET] + ((kind, tx, what, True),)))

    # ---------------------------------------------------------------- all next states
    def successors(self, s):
        out = []
        if s[LEFT][START]:
            n = list(s)
            spend(n, LEFT, START)
            n[WS] = tuple(put(w, 1, False) for w in n[WS])          # zombies from now on
            n[NET] = tuple(put(m, 3, False) for m in n[NET])
            if not (self.same_id and n[TX]):
                n[TX] += ((EMPTY, 0),)
            n[WS] += (('init', True, len(n[TX]) - 1, True, 0, 0),)
            out.append(('a stage instance starts', n))

        owners = {w[2] for w in s[WS]}
        for tx, (state, parts) in enumerate(s[TX]):
            if state == OPEN and (tx not in owners or s[LEFT][TIMEOUT]):
                n = list(s)
                if tx in owners:
                    spend(n, LEFT, TIMEOUT)
                self.fence(n, tx)
                self.decide(n, tx, False)
                out.append(('broker times out transaction %d' % tx, n))
            elif state in (PREP_COMMIT, PREP_ABORT):
                for part in (OUT, CHG, OFF):
                    if parts & part:
                        n = list(s)
                        self.mark(n, tx, part)
                        out.append(('marker of transaction %d in partition %d' % (tx, part), n))

        for j, (kind, tx, what, current) in enumerate(s[NET]):
            n = list(s)
            n[NET] = n[NET][:j] + n[NET][j + 1:]
            state, parts = n[TX][tx]
            if state == OPEN and kind == 'end':
                self.decide(n, tx, what)
            elif state == OPEN and parts & OFF and current:
                n[PEND] = tuple((t, what if t == tx else o) for t, o in n[PEND])
            out.append(('late %s %s of transaction %d arrives' % (kind, what, tx), n))

        for i, w in enumerate(s[WS]):
            if s[LEFT][KILL] and (not w[1] or s[LEFT][START]):      # the last one lives
                n = list(s)
                spend(n, LEFT, KILL)
                n[WS] = n[WS][:i] + n[WS][i + 1:]
                out.append(('stage %d is killed' % w[2], n))
            self.stage(s, i, w, out)
        if self.sink_starts:
            self.sinks(s, out)
        return [(label, tuple(n)) for label, n in out]

    # ---------------------------------------------------------------- stream stage
    def stage(self, s, i, w, out):
        pc, owner, tx, valid, pos, ids = w
        n = list(s)
        step, tainted, _ = pc.partition('_tainted')
        then = self.then.get(step, '') + tainted

        def go(n, label, pc, valid=valid, pos=pos, ids=ids):
            n[WS] = put(n[WS], i, (pc, owner, tx, valid, pos, ids))
            out.append(('stage %d: %s' % (tx, label), n))

        def end(n, label):
            n[WS] = n[WS][:i] + n[WS][i + 1:]
            out.append(('stage %d: %s' % (tx, label), n))

        def anew(n, label):
            go(n, label, 'init', True, 0, 0)

        def refused(n, label):                              # fenced, or any other failure
            if owner:
                anew(n, label + ', new producer')
                return
            if n[LEFT][COMEBACK]:
                m = list(n)
                spend(m, LEFT, COMEBACK)
                anew(m, label + ', tries again')
            end(n, label + ', ends')

        if then[:3] == 'end' and n[LEFT][ABORT] and valid and n[TX][tx][0] == OPEN:
            to, new, seen = self.handle(pos, ids)
            self.abort(s, tx, pos, to, ids, seen, go, anew)

        # revoked and assigned, between batches
        if pc == self.head and not owner and s[LEFT][REGAIN]:
            m = list(s)
            spend(m, LEFT, REGAIN)
            m[WS] = tuple(put(x, 1, j == i) for j, x in enumerate(m[WS]))
            m[NET] = tuple(put(x, 3, False) for x in m[NET])
            m[WS] = put(m[WS], i, ('fetch', True, tx, valid, 0, 0))
            out.append(('stage %d: the partition comes back' % tx, m))

        if pc in ('init', 'redo'):                          # init_transactions()
            state = n[TX][tx][0]
            if state == OPEN:                               # aborts what was left open
                self.fence(n, tx)
                self.decide(n, tx, False)
                go(n, 'init: aborts the open transaction', pc, True)
            elif state not in (PREP_COMMIT, PREP_ABORT):    # else it waits for the markers
                self.fence(n, tx)
                n[TX] = put(n[TX], tx, (EMPTY, 0))
                go(n, 'init', 'fetch' if pc == 'init' else self.head, True)

        elif pc == 'fetch':                                 # OffsetFetch
            if not (self.require_stable and n[PEND]):       # else UNSTABLE_OFFSET_COMMIT: again
                go(n, 'committed offset is %d' % n[K], 'restore', pos=n[K])

        elif pc == 'restore':                               # read the changelog, read_committed
            if self.restore == 'none':
                go(n, 'no state', self.head, pos=max(pos, 0))
                return
            end_, ids = NONE, 0
            for p, d, status in n[CLOG]:
                if status >= 0:                             # the last stable offset
                    if self.restore == 'end':
                        return                              # wait for the marker
                    break
                end_, ids = p, ids | d
            if self.restore == 'position' and end_ < pos:
                return                                      # wait for the marker
            if self.restore == 'position' and end_ > pos > NONE:
                go(n, 'state is newer than the offset: ask again', 'fetch')
                return
            if pos == NONE:                                 # the record's word, or the beginning
                pos = max(end_, 0)
            go(n, 'state restored', self.head, pos=pos, ids=ids)

        elif pc == self.head and pos >= self.n:
            go(n, 'input done', 'done')

        elif step == 'out':                                 # begin, produce outputs
            to, new, seen = self.handle(pos, ids)
            if not self.transaction:
                n[LOG] = tuple(sorted(n[LOG] + tuple((x, COMMITTED) for x in new)))
                go(n, 'plain produce', then)
            elif not valid:
                refused(n, 'fenced')
            elif self.add(n, tx, OUT if new else 0):
                n[LOG] += tuple((x, tx) for x in new)
                self.tidy(n)
                go(n, 'produces %s' % new, then)

        elif step == 'chg':                                 # new ids and the position record
            to, new, seen = self.handle(pos, ids)
            plain = not self.transaction or not self.changelog_in_txn
            if not plain and not valid:
                refused(n, 'fenced')
            elif plain or self.add(n, tx, CHG):
                n[CLOG] += ((to, seen & ~ids, COMMITTED if plain else tx),)
                self.tidy(n)
                go(n, 'changelog', then)

        elif step == 'offs':                                # send_offsets_to_transaction()
            to, new, seen = self.handle(pos, ids)
            if not self.transaction:
                n[K] = to
                go(n, 'plain offset commit', self.head, pos=to, ids=seen)
                return
            if not valid:
                refused(n, 'fenced')
                return
            if not self.offsets_in_txn:
                go(n, 'sends no offsets', then)
                return
            if not owner and self.metadata != 'none':
                m = list(s)
                if m[TX][tx][0] == OPEN:
                    self.decide(m, tx, False)
                refused(m, 'offsets refused')
                # Metadata asked for at commit may be of a later generation than the batch,
                # or (a member put out) of none at all, which the broker does not check.
                if self.metadata == 'assignment':
                    return
            if self.add(n, tx, OFF):
                n[PEND] = tuple(x for x in n[PEND] if x[0] != tx) + ((tx, to),)
                m = list(n)
                go(n, 'sends offset %d' % to, then)
                if m[LEFT][LATE] and owner:
                    self.send_late(m, 'off', tx, to)
                    go(m, 'sends offset %d, twice' % to, then + '_tainted')

        elif pc in ('end', 'end_tainted'):                  # commit_transaction()
            if not valid:
                refused(n, 'fenced')
                return
            to, new, seen = self.handle(pos, ids)
            state = n[TX][tx][0]
            if state in (EMPTY, DONE_ABORT, PREP_ABORT):
                refused(n, 'INVALID_TXN_STATE')
                return
            if state == PREP_COMMIT:
                return                                      # CONCURRENT_TRANSACTIONS: again

            def committed(m, tainted, label):
                if tainted and self.new_producer is True:
                    go(m, label + ', new producer', 'redo', pos=to, ids=seen)
                else:
                    go(m, label, self.head if self.offsets_in_txn else 'commit_offset', pos=to,
                       ids=seen)

            if state == DONE_COMMIT:                        # a late copy did it already
                committed(n, pc == 'end_tainted', 'commit, was done already')
                return
            if n[LEFT][LATE]:                               # re-sent by the library
                m = list(s)
                self.send_late(m, 'end', tx, True)
                self.decide(m, tx, True)
                committed(m, True, 'commit, sent twice')
            if n[LEFT][REPLY]:
                for applied in ('now', 'never', 'later'):
                    m = list(s)
                    spend(m, LEFT, REPLY)
                    if applied == 'now':
                        self.decide(m, tx, True)
                    elif applied == 'later':
                        m[NET] = tuple(sorted(m[NET] + (('end', tx, True, True),)))
                    label = 'commit, no reply, applied %s' % applied
                    if self.on_lost_reply == 'ask':
                        anew(m, label)
                    elif self.on_lost_reply == 'redo':
                        go(m, label, 'redo')
                    else:
                        go(m, label, 'redo', pos=to, ids=seen)
            self.decide(n, tx, True)
            committed(n, pc == 'end_tainted', 'commit')

        elif pc == 'commit_offset':                         # variant: outside the transaction
            n[K] = pos
            go(n, 'commits offset %d' % pos, self.head)

    def handle(self, pos, ids):
        """The batch [pos, to): its new ids, and the filter after it."""
        to, new, seen = min(pos + self.batch, self.n), [], ids
        for r in range(pos, to):
            if not self.stateful:
                new.append(self.ids[r])
            elif not seen >> self.ids[r] & 1:
                new.append(self.ids[r])
                seen |= 1 << self.ids[r]
        return to, new, seen

    def abort(self, s, tx, pos, to, ids, seen, go, anew):
        for late in ((False, True) if s[LEFT][LATE] else (False,)):
            m = list(s)
            spend(m, LEFT, ABORT)
            if late:
                self.send_late(m, 'end', tx, False)
            self.decide(m, tx, False)
            if not self.new_producer:
                go(m, 'abort, keeps its producer', self.head)
            elif self.state_on_abort == 'keep':
                go(m, 'abort, keeps its state', 'redo', ids=seen)
            elif not self.rewind_on_abort:
                go(m, 'abort, reads on', 'redo', pos=to)
            elif self.ahead_on_abort == 'keep':
                go(m, 'abort, writes what was handled ahead', 'redo', pos=to, ids=seen)
            else:
                anew(m, 'abort, new producer')
                if not late:                                # undone without an abort: init does it
                    m = list(s)
                    spend(m, LEFT, ABORT)
                    anew(m, 'batch undone, new producer')

    # ---------------------------------------------------------------- sink
    def sinks(self, s, out):
        if s[SLEFT][0]:
            n = list(s)
            spend(n, SLEFT, 0)
            n[SS] = tuple(put(w, 1, False) for w in n[SS]) + (('pos', True, 0, 0, (), ()),)
            out.append(('a sink instance starts', n))
        if s[SLEFT][3]:
            for back in range(s[POS]):                      # rows and position go back together
                n = list(s)
                spend(n, SLEFT, 3)
                n[POS], n[ROWS] = back, n[ROWS][:back]
                out.append(('PostgreSQL is back at position %d' % back, n))
        for i, (pc, newest, frm, to, got, ahead) in enumerate(s[SS]):
            if s[SLEFT][1] and (not newest or s[SLEFT][0]):
                n = list(s)
                spend(n, SLEFT, 1)
                n[SS] = n[SS][:i] + n[SS][i + 1:]
                out.append(('sink %d is killed' % i, n))

            def go(n, label, pc, frm, to, got, ahead=()):
                n[SS] = put(n[SS], i, (pc, newest, frm, to, got, ahead))
                out.append(('sink %d: %s' % (i, label), n))

            def read(frm):                                      # a small and the largest batch
                end = len(s[LOG])
                if self.sink_isolation == 'read_committed':     # up to the last stable offset
                    end = next((o for o, r in enumerate(s[LOG]) if r[1] >= 0), end)
                return [(to, tuple(o for o in range(frm, to) if s[LOG][o][1] != ABORTED))
                        for to in {frm + 1, end} if frm < to <= end]

            n = list(s)
            if pc == 'pos':
                at = n[POS] if self.sink_start == 'position' else n[KS]
                go(n, 'starts at %d' % at, 'read', at, at, ())
            elif pc == 'read':
                if self.sink_recheck and self.sink_start == 'position' and n[POS] != frm:
                    go(list(s), 'position has moved', 'pos', 0, 0, ())
                for to, got in read(frm):
                    go(list(s), 'reads [%d,%d)' % (frm, to), 'pg', frm, to, got)
            elif pc == 'pg':                                    # UPDATE ops.positions; COPY; COMMIT
                if not ahead:
                    for to2, got2 in read(to):
                        go(list(s), 'reads ahead [%d,%d)' % (to, to2), 'pg', frm, to, got,
                           (to2, got2))
                if self.sink_cas and n[POS] != frm:
                    go(n, 'compare-and-set matches no row', 'pos', 0, 0, ())
                    continue
                rows = list(n[ROWS]) + [0] * (to - len(n[ROWS]))
                for o in got:
                    rows[o] += 1
                n[ROWS] = tuple(rows)
                if not self.sink_atomic:
                    go(n, 'rows, position later', 'pg_pos', frm, to, ())
                    continue
                n[POS] = to
                if n[SLEFT][2]:                                 # recover(): its position tells
                    for applied in (n, s):
                        m = list(applied)
                        spend(m, SLEFT, 2)
                        go(m, 'COMMIT, no reply', self.sink_on_lost_reply, frm, to, got)
                if self.sink_start == 'position' and ahead:
                    go(n, 'COMMIT', 'pg', to, *ahead)
                elif self.sink_start == 'position':
                    go(n, 'COMMIT', 'read', to, to, ())
                else:
                    go(n, 'COMMIT', 'ks', to, to, ())
            elif pc == 'pg_pos':
                n[POS] = to
                go(n, 'position', 'read', to, to, ())
            elif pc == 'ks':
                n[KS] = frm
                go(n, 'commits %d to Kafka' % frm, 'read', frm, frm, ())

    # ---------------------------------------------------------------- what must hold
    def wrong(self, s):
        """Broken already, whatever follows."""
        bad, seen = [], set()
        for i, status in s[LOG]:
            if status == COMMITTED:
                if i in seen:
                    bad.append('decision twice')
                seen.add(i)
        for o, count in enumerate(s[ROWS]):
            if count > 1:
                bad.append('row twice')
            if count and s[LOG][o][1] == ABORTED:
                bad.append('row of an aborted record')
        return bad

    def wrong_at_end(self, s):
        """Broken because nothing more can happen."""
        bad = []
        if any(w[1] and w[0] != 'done' for w in s[WS]):
            bad.append('stuck for ever')
        elif {i for i, status in s[LOG] if status == COMMITTED} != set(self.ids):
            bad.append('decision lost')
        if self.sink_starts:
            rows = s[ROWS] + (0,) * (len(s[LOG]) - len(s[ROWS]))
            if any(r[1] == COMMITTED and not rows[o] for o, r in enumerate(s[LOG])):
                bad.append('row missing')
        return bad


def check(options, trace=False, limit=2000000):
    """Every interleaving, breadth first: (states, violations, way to the first of them)."""
    model = Model(**options)
    number = {model.first(): 0}             # state -> number, in the order found
    states = [model.first()]
    before = [[]]                           # number -> numbers of the states just before it
    how = [None]                            # number -> label of the first step into it (trace only)
    bad, first_bad, ends = set(), None, []
    at = 0
    while at < len(states):
        s = states[at]
        nexts = model.successors(s)
        found = model.wrong(s)
        if not nexts:
            found += model.wrong_at_end(s)
        bad.update(found)
        if found and first_bad is None:
            first_bad = at
        if found or not nexts:
            ends.append(at)
        else:                               # nothing to learn behind a broken state
            for label, n in nexts:
                to = number.get(n)
                if to is None:
                    to = number[n] = len(states)
                    states.append(n)
                    before.append([])
                    how.append(label if trace else None)
                before[to].append(at)
        states[at] = None
        at += 1
        if len(states) > limit:
            bad.add('SEARCH NOT FINISHED')
            break
    if not bad:                             # an end must be reachable from everywhere
        reached, todo = set(ends), list(ends)
        while todo:
            for b in before[todo.pop()]:
                if b not in reached:
                    reached.add(b)
                    todo.append(b)
        if len(reached) < len(states):
            bad.add('stuck for ever')
            first_bad = next(i for i in range(len(states)) if i not in reached)
    way = []
    while trace and first_bad:
        way.insert(0, how[first_bad])
        first_bad = before[first_bad][0]
    return len(states), bad, way


TWO = dict(starts=2, kills=1)
SINK = dict(ids=(0, 1), starts=1, kills=0, aborts=1,
            sink_starts=2, sink_kills=1, sink_lost_replies=1)
HOLDS, CAUGHT = True, False
VARIANTS = [
    (HOLDS, 'a stateful stage, 3 instances', {}),
    (HOLDS, 'a stateless stage, 3 instances', dict(stateful=False)),
    (HOLDS, '2 records a transaction', dict(ids=(0, 0, 1, 1), batch=2)),
    (HOLDS, 'a restart with the same transactional.id', dict(same_id=True)),
    (HOLDS, 'undone batches, lost replies, time-outs',
     dict(TWO, aborts=1, lost_replies=1, timeouts=1)),
    (HOLDS, 'requests that arrive twice (KAFKA-17754)', dict(TWO, aborts=1, late=2)),
    (HOLDS, 'all faults together', dict(TWO, aborts=1, lost_replies=1, late=1, timeouts=1)),
    (HOLDS, 'all faults together, the same transactional.id',
     dict(TWO, same_id=True, aborts=1, lost_replies=1, late=1, timeouts=1)),
    (HOLDS, 'a zombie that tries again', dict(TWO, aborts=1, comebacks=2)),
    (HOLDS, 'a zombie that tries again with the same transactional.id',
     dict(TWO, same_id=True, lost_replies=1, comebacks=2)),
    (HOLDS, 'a partition that comes back to a living instance',
     dict(TWO, aborts=1, lost_replies=1, comebacks=1, regains=1)),
    (HOLDS, 'offsets first: a stateful stage, 3 instances', dict(offsets_first=True)),
    (HOLDS, 'offsets first: all faults together',
     dict(TWO, offsets_first=True, aborts=1, lost_replies=1, late=1, timeouts=1)),
    (HOLDS, 'offsets first: a zombie that tries again',
     dict(TWO, offsets_first=True, aborts=1, comebacks=2)),
    (HOLDS, 'a sink, 3 instances', dict(SINK, sink_starts=3, sink_kills=2, aborts=0)),
    (HOLDS, 'a sink whose PostgreSQL loses transactions', dict(SINK, pg_losses=2)),
    (HOLDS, 'a stage and a sink together', dict(TWO, ids=(0, 0), sink_starts=2, sink_kills=1)),

    (CAUGHT, 'produce, then commit the offset (no transaction)',
     dict(TWO, transaction=False, stateful=False, restore='none')),
    (CAUGHT, 'offsets committed outside the transaction',
     dict(TWO, offsets_in_txn=False, stateful=False, restore='none')),
    (CAUGHT, 'changelog outside the transaction', dict(TWO, changelog_in_txn=False, restore='end')),
    (CAUGHT, 'no group metadata', dict(TWO, metadata='none')),
    (CAUGHT, 'group metadata read at commit, not at assignment', dict(TWO, metadata='commit')),
    (CAUGHT, 'offset fetched without require_stable',
     dict(TWO, require_stable=False, stateful=False, restore='none')),
    (CAUGHT, 'offsets first, fetched without require_stable',
     dict(TWO, offsets_first=True, require_stable=False, stateful=False, restore='none')),
    (CAUGHT, 'state restored to the last stable offset (KAFKA-10167)', dict(TWO, restore='lso')),
    (CAUGHT, 'state kept after an undone batch', dict(TWO, aborts=1, state_on_abort='keep')),
    (CAUGHT, 'consumer not rewound after an undone batch',
     dict(TWO, aborts=1, rewind_on_abort=False)),
    (CAUGHT, 'batch handled ahead kept after an undone one', dict(TWO, aborts=1, ahead_on_abort='keep')),
    (CAUGHT, 'lost reply to commit: batch done again',
     dict(TWO, lost_replies=1, on_lost_reply='redo')),
    (CAUGHT, 'lost reply to commit: taken as done',
     dict(TWO, lost_replies=1, on_lost_reply='go_on')),
    (CAUGHT, 'requests arrive twice, same producer kept',
     dict(TWO, aborts=1, late=1, new_producer=False)),
    (CAUGHT, 'requests arrive twice, new producer only where a call failed',
     dict(TWO, aborts=1, late=1, new_producer='errors')),
    (CAUGHT, 'a zombie that tries again, group metadata read at commit',
     dict(TWO, comebacks=1, metadata='commit')),
    (CAUGHT, 'sink without compare-and-set', dict(SINK, sink_cas=False)),
    (CAUGHT, 'sink starts at its offset in Kafka, no compare-and-set',
     dict(SINK, sink_cas=False, sink_start='kafka')),
    (CAUGHT, 'sink starts at its offset in Kafka, compare-and-set',
     dict(SINK, sink_start='kafka')),
    (CAUGHT, 'sink does not look at its position again',
     dict(SINK, pg_losses=1, sink_recheck=False)),
    (CAUGHT, 'sink: rows and position in two transactions', dict(SINK, sink_atomic=False)),
    (CAUGHT, 'sink: COMMIT without an answer done again, no compare-and-set',
     dict(SINK, sink_starts=1, sink_kills=0, sink_cas=False, sink_on_lost_reply='pg')),
    (CAUGHT, 'sink reads read_uncommitted', dict(SINK, sink_isolation='read_uncommitted')),
]
DEEP = [
    (HOLDS, 'deep: 3 instances, undone batches, lost replies, time-outs',
     dict(aborts=1, lost_replies=1, timeouts=1)),
    (HOLDS, 'deep: 3 instances, requests that arrive twice', dict(aborts=1, late=2)),
    (HOLDS, 'deep: a stage and a sink, an undone batch',
     dict(TWO, ids=(0, 1), aborts=1, sink_starts=2, sink_kills=1)),
]


def main(argv):
    trace = '--trace' in argv
    words = [a for a in argv if a[:2] != '--']
    good, ran, t0 = True, 0, time.time()
    for must_hold, name, options in VARIANTS + (DEEP if '--deep' in argv else []):
        if words and not any(x in name for x in words):
            continue
        ran += 1
        states, bad, way = check(options, trace)
        as_meant = must_hold == (not bad) and 'SEARCH NOT FINISHED' not in bad
        good = good and as_meant
        print('%sok - %s: %s (%d states%s)' % (
            '' if as_meant else 'not ',
            'the loops hold' if must_hold else 'a broken loop is caught',
            name, states, ''.join(', ' + x for x in sorted(bad))), flush=True)
        for step in way or ():
            print('        ' + step)
    print('%d variants in %.0f s' % (ran, time.time() - t0), file=sys.stderr)
    return 0 if good and ran else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
