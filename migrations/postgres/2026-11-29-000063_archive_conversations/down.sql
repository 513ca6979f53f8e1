DROP TABLE archived_messages;
DROP TABLE archived_conversations;
