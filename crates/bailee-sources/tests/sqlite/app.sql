CREATE TABLE accounts (
    id TEXT NOT NULL, tenant_id TEXT NOT NULL, email TEXT, name TEXT, profile TEXT,
    restricted INTEGER, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE projects (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT NOT NULL,
    creator_id TEXT, FOREIGN KEY (tenant_id, creator_id) REFERENCES accounts (tenant_id, id)
);
CREATE TABLE members (
    project_id INTEGER NOT NULL REFERENCES projects (id), tenant_id TEXT NOT NULL,
    account_id TEXT NOT NULL, role TEXT, PRIMARY KEY (project_id, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE posts (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, author_id TEXT NOT NULL, title TEXT, body TEXT,
    deleted_at INTEGER, restricted INTEGER, created_at INTEGER
);
CREATE INDEX posts_of ON posts (tenant_id, author_id);
CREATE TABLE files (
    id BLOB PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts (id), name TEXT, content BLOB
);
CREATE INDEX files_of ON files (post_id);
CREATE TABLE comments (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, author_id TEXT, about_id TEXT, body TEXT,
    at INTEGER
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, sender_id TEXT, recipient_id TEXT, body TEXT,
    sent_at TEXT
);
CREATE TABLE settings (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, account_id TEXT NOT NULL, document TEXT
);
CREATE TABLE invoices (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, account_id TEXT NOT NULL, address TEXT
);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, actor_email TEXT, action TEXT
);
