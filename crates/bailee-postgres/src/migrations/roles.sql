-- Three roles, for the whole cluster; running this again changes nothing.
--
-- bailee_owner   owns the schema and runs the migrations. Nobody logs in as this role.
-- bailee_worker  sees due work, expired records and hashes of the log over all tenants, and no
--                body. It is entered for one transaction.
-- bailee_app     what the program logs in as: one tenant at a time. Give it a password or a
--                certificate, or make another login role a member of it.
DO $roles$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bailee_owner') THEN
    CREATE ROLE bailee_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bailee_worker') THEN
    CREATE ROLE bailee_worker NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'bailee_app') THEN
    CREATE ROLE bailee_app LOGIN NOINHERIT;
  END IF;
  -- The application may enter the worker's role and does not inherit it: from PostgreSQL 16 on,
  -- a grant to a NOINHERIT role is one WITH INHERIT FALSE, SET TRUE.
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles granted ON granted.oid = m.roleid
    JOIN pg_catalog.pg_roles member ON member.oid = m.member
    WHERE granted.rolname = 'bailee_worker' AND member.rolname = 'bailee_app'
  ) THEN
    GRANT bailee_worker TO bailee_app;
  END IF;
  -- Who created the owner as no superuser has to be a member to hand the schema over.
  IF NOT pg_catalog.pg_has_role('bailee_owner', 'USAGE') THEN
    GRANT bailee_owner TO CURRENT_USER;
  END IF;
EXCEPTION
  -- Another migration of another database of this cluster made them at the same moment.
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$roles$;

CREATE SCHEMA IF NOT EXISTS bailee AUTHORIZATION bailee_owner;
SET LOCAL ROLE bailee_owner;
