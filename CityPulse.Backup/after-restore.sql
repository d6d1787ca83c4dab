-- What a restored database needs before the services run on it. ./citypulse restore does it by itself; after any other way back to an
-- earlier state (point-in-time recovery, a copy of the disk) run it once, while no service runs:  psql -v ON_ERROR_STOP=1 -f after-restore.sql
--
-- Between the backup and the restore events were told, answers were kept and transactions were numbered which this database knows
-- nothing of. Numbers that outlive it (clients' last event, keys in Redis, transaction ids of another cluster) must not be met again.
DO $$
DECLARE
    leap CONSTANT bigint := 1000000000;
BEGIN
    -- Events that were placed and perhaps never told are told again. All others are forgotten, and the next place is one that nobody
    -- has had: a client that asks for what came after its last event is told that there is a gap, and reads the state anew.
    IF to_regclass('public.outbox_head') IS NOT NULL THEN
        UPDATE outbox SET position = NULL WHERE position > (SELECT published_position FROM outbox_head);
        DELETE FROM outbox WHERE position IS NOT NULL;
        UPDATE outbox_head SET last_position = last_position + leap, published_position = last_position + leap;
    END IF;

    -- Answers kept in Redis are known by these versions.
    IF to_regclass('public.answer_versions') IS NOT NULL THEN
        UPDATE answer_versions SET version = version + leap, changed_by = '0';
    END IF;

    -- Ids of transactions, which another cluster gives out a second time.
    IF to_regclass('public.sensor_registries') IS NOT NULL THEN
        UPDATE sensor_registries SET version = 0;
    END IF;
    IF to_regclass('public.revocations') IS NOT NULL THEN
        UPDATE revocations SET xact = 0;
    END IF;
END $$;
