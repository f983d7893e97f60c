CREATE TABLE accounts (
    id text NOT NULL, tenant_id text NOT NULL, email text, name varchar(80), profile jsonb,
    restricted boolean, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL,
    name text NOT NULL, creator_id text,
    FOREIGN KEY (tenant_id, creator_id) REFERENCES accounts (tenant_id, id)
);
CREATE TABLE members (
    project_id bigint NOT NULL REFERENCES projects (id), tenant_id text NOT NULL,
    account_id text NOT NULL, role text, PRIMARY KEY (project_id, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE CASCADE
);
CREATE TABLE posts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL,
    author_id text NOT NULL, title text, body text, deleted_at timestamptz, restricted smallint,
    created_at bigint
);
CREATE INDEX ON posts (tenant_id, author_id);
CREATE TABLE files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), post_id bigint NOT NULL REFERENCES posts (id),
    name text, content bytea
);
CREATE INDEX ON files (post_id);
CREATE TABLE comments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL, author_id text,
    about_id text, body text, at bigint
);
CREATE INDEX ON comments (tenant_id, author_id);
CREATE INDEX ON comments (tenant_id, about_id);
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL, sender_id text,
    recipient_id text, body text, sent_at text
);
CREATE INDEX ON messages (tenant_id, sender_id);
CREATE INDEX ON messages (tenant_id, recipient_id);
CREATE TABLE settings (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL,
    account_id text NOT NULL, document json
);
CREATE TABLE invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL,
    account_id text NOT NULL, address text
);
CREATE INDEX ON invoices (tenant_id, account_id);
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text NOT NULL, actor_email text,
    action text
);
CREATE INDEX ON audit (tenant_id, actor_email);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO host_app;
