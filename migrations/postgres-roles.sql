-- The four roles of the gateway and what the database itself must grant them.
--
-- `vapi-gateway migrate` sends this file as one batch (so: one transaction, no psql meta commands) as the login user
-- before the migrations, every time. It changes only what is missing, so several nodes and several databases of one
-- cluster may run it at once, and a login that already has everything needs no right to create roles.
--
--   gateway_owner      owns every table and function; migrations run after SET ROLE gateway_owner
--   gateway_app        works inside one organization's scope
--   gateway_directory  reads identifiers, the state of organizations and their keys
--   gateway_operator   sees every organization: audited administration and hand-written SQL

-- Roles belong to the whole cluster, advisory locks to one database: the lock orders the nodes of one deployment,
-- and the exception handlers below cover deployments side by side.
SELECT pg_advisory_xact_lock(hashtextextended('vapi-gateway roles', 0));

DO $$
DECLARE
    wanted text;
    found record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['gateway_owner', 'gateway_app', 'gateway_directory', 'gateway_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOCREATEDB NOCREATEROLE', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;  -- Another database's migration made it a moment ago.
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'role % is missing and % may not create roles', wanted, current_user
                        USING ERRCODE = 'insufficient_privilege',
                              HINT = 'Run migrate as a login with CREATEROLE, or let an administrator run migrations/postgres-roles.sql.';
            END;
        END IF;

        SELECT rolsuper, rolbypassrls INTO found FROM pg_roles WHERE rolname = wanted;
        IF found.rolsuper OR found.rolbypassrls THEN
            RAISE EXCEPTION 'role % could bypass row-level security: take SUPERUSER and BYPASSRLS from it', wanted
                USING ERRCODE = 'invalid_role_specification';
        END IF;

        -- From version 16 on, whoever makes a role may administer it but may not SET ROLE to it until granted.
        -- The membership itself is looked up, because a superuser counts as a member of everything.
        IF NOT EXISTS (SELECT FROM pg_auth_members m
                       WHERE m.roleid = wanted::regrole AND m.member = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                         AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
                        RAISE EXCEPTION 'role % exists and % may not become its member', wanted, current_user
                            USING ERRCODE = 'insufficient_privilege',
                                  HINT = format('Let an administrator run: GRANT gateway_owner, gateway_app, gateway_directory, gateway_operator TO %I;', current_user);
                    END IF;
            END;
        END IF;
    END LOOP;

    -- The working roles must not reach wider rights through membership.
    IF pg_has_role('gateway_app', 'gateway_owner', 'MEMBER') OR pg_has_role('gateway_app', 'gateway_operator', 'MEMBER')
       OR pg_has_role('gateway_app', 'gateway_directory', 'MEMBER')
       OR pg_has_role('gateway_directory', 'gateway_owner', 'MEMBER')
       OR pg_has_role('gateway_directory', 'gateway_operator', 'MEMBER') THEN
        RAISE EXCEPTION 'gateway_app and gateway_directory must not be members of another role of the gateway'
            USING ERRCODE = 'invalid_role_specification';
    END IF;

    -- The exclusion constraint on appointments compares a uuid inside a GiST index.
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist') THEN
        CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
    END IF;

    -- Only the owner makes objects where SECURITY DEFINER functions look names up.
    IF EXISTS (SELECT FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
               WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE') THEN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    END IF;
    IF NOT has_schema_privilege('gateway_owner', 'public', 'CREATE')
       OR NOT has_schema_privilege('gateway_owner', 'public', 'USAGE') THEN
        GRANT CREATE, USAGE ON SCHEMA public TO gateway_owner;
    END IF;
    FOREACH wanted IN ARRAY ARRAY['gateway_app', 'gateway_directory', 'gateway_operator'] LOOP
        IF NOT has_schema_privilege(wanted, 'public', 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', wanted);
        END IF;
    END LOOP;

    -- The gateway tells failures apart by the server's messages, so its roles set them to English. Only a superuser may
    -- grant that (from version 15 on); elsewhere the gateway serves where the messages are English already.
    IF NOT has_parameter_privilege('gateway_app', 'lc_messages', 'SET')
       OR NOT has_parameter_privilege('gateway_directory', 'lc_messages', 'SET')
       OR NOT has_parameter_privilege('gateway_operator', 'lc_messages', 'SET') THEN
        BEGIN
            GRANT SET ON PARAMETER lc_messages TO gateway_app, gateway_directory, gateway_operator;
        EXCEPTION
            WHEN insufficient_privilege OR unique_violation THEN
                NULL;
            WHEN internal_error THEN
                NULL;  -- "tuple concurrently updated": another database's migration granted it a moment ago.
        END;
    END IF;

    IF NOT has_schema_privilege('gateway_owner', 'public', 'CREATE') THEN
        RAISE EXCEPTION 'gateway_owner may not create tables in schema public of database %', current_database()
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Run migrate as the owner of the database, or grant CREATE on the schema.';
    END IF;
    IF has_schema_privilege('gateway_app', 'public', 'CREATE') THEN
        RAISE EXCEPTION 'gateway_app may create objects in schema public of database %', current_database()
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'As the owner of the schema: REVOKE CREATE ON SCHEMA public FROM PUBLIC;';
    END IF;
END
$$;
